"""What is installed, and on which Python, is said alike wherever it is said."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
WANTED = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["dev"]]


def locked(name: str) -> dict[str, str]:
    """Versions that a lock pins, by the names of packages; a line that pins none is refused."""
    lines = (ROOT / name).read_text().splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(package): version for package, version in pins}


def pythons() -> list[str]:
    """Minor versions of Python 3 that the project is for."""
    allowed = SpecifierSet(PROJECT["requires-python"])
    return [f"3.{minor}" for minor in range(30) if f"3.{minor}" in allowed]


@pytest.mark.parametrize("wanted", WANTED)
def test_the_lock_has_every_dependency_in_a_version_that_the_project_allows(wanted):
    requirement = Requirement(wanted)
    assert requirement.specifier.contains(
        locked("requirements.lock")[canonicalize_name(requirement.name)]
    )


def test_the_lock_for_a_gpu_adds_to_the_other_and_contradicts_it_nowhere():
    added = locked("requirements-gpu.lock")
    assert not added.keys() & locked("requirements.lock").keys()
    assert {name.split("-")[0] for name in added} == {"cuda", "nvidia", "triton"}


def test_the_conda_environment_installs_the_lock_on_a_python_of_the_project():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert python.removeprefix("python=") in pythons()
    assert pip == "pip"
    assert packages == {"pip": ["--requirement requirements.lock", "--editable ."]}


def test_the_container_installs_the_lock_on_a_python_of_the_project():
    definition = (ROOT / "environment.def").read_text()
    (python,) = re.findall(r"^From: python:(3\.\d+)-slim$", definition, re.MULTILINE)
    assert python in pythons()
    (source, place) = re.findall(r"^%files\n +(\S+) (\S+)$", definition, re.MULTILINE)[0]
    assert (ROOT / source).name == "requirements.lock"
    assert f"pip install --no-cache-dir --requirement {place}\n" in definition


def test_the_pythons_of_the_readme_and_of_the_forge_are_those_of_the_project():
    readme = (ROOT / "README.md").read_text()
    (said,) = re.findall(r"You need Python (.*?) with", readme)
    assert re.findall(r"3\.\d+", said) == pythons()
    forge = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text())
    assert forge["jobs"]["test"]["strategy"]["matrix"]["python"] == pythons()
