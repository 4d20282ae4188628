"""Files and models of one's own in a workflow: what is read, what makes it stale, what is told."""

import os
import re
import shutil

import pytest
import yaml
from PIL import Image

from pipeline.artifacts import streams
from pipeline.image.dataset.generated import generate_image
from tests.workflow.checkout import Checkout

IMAGES = "results/x/image/own_8px/images.safetensors"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    return Checkout.of_sources(tmp_path_factory.mktemp("own") / "checkout")


def draw(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(generate_image(0, number, 8).transpose(1, 2, 0)).save(path, "PNG")


def configured(checkout, domain, **sections):
    config = {"preset": "smoke", "run": "x", "domains": {domain: sections}}
    (checkout.path / "own.yaml").write_text(yaml.safe_dump(config))
    return ("--configfile", "own.yaml")


def read_images(checkout, pattern):
    source = {"kind": "directory", "path": "pictures", "files": pattern}
    data = {"name": "own", "source": source, "most_corrupt": 5}
    return checkout.snakemake("-c1", IMAGES, *configured(checkout, "image", data=data))


def test_pictures_are_read_whatever_their_names_and_stale_by_what_they_hold(checkout):
    pictures = checkout.path / "pictures"
    names = ["scan {0}.png", "a b {run} 'c'.png", os.fsdecode(b"caf\xe9.png"), "x/3.png", "4.png"]
    for number, name in enumerate(names):
        draw(pictures / name, number)
    draw(checkout.path / "store/5.png", 5)
    (pictures / "linked").symlink_to("../store")
    draw(pictures / "6.PNG", 6)
    (pictures / "7.png").write_bytes((pictures / "4.png").read_bytes()[:60])
    first = read_images(checkout, "**/*.png")
    assert first.returncode == 0, first.stderr
    line = "7 files in pictures match '**/*.png'; left out: 1 with a name in other case (6.PNG)"
    assert f"domains.image.data.source: {line}" in first.stderr
    assert line in (checkout.path / "results/x/logs/image/own_8px/images.log").read_text()
    found = streams.map_tensors(checkout.path / IMAGES, "images").stamp["images"]
    assert (found["files"], found["count"], found["skipped"]) == (7, 6, ["7.png"])

    for path in pictures.rglob("*.png"):
        path.touch()
    assert "Nothing to be done" in read_images(checkout, "**/*.png").stderr

    backup = checkout.path / "backup.png"
    draw(backup, 7)
    os.utime(backup, (0, 0))
    shutil.copy2(backup, pictures / "7.png")
    assert read_images(checkout, "**/*.png").returncode == 0
    found = streams.map_tensors(checkout.path / IMAGES, "images").stamp["images"]
    assert (found["count"], found["skipped"]) == (7, [])

    shutil.rmtree(checkout.path / ".snakemake/metadata")
    draw(pictures / "8.png", 8)
    assert "made with other settings or code" in read_images(checkout, "**/*.png").stderr


def test_a_pattern_without_files_is_one_line(checkout):
    result = read_images(checkout, "*.jpg")
    assert "error: config: domains.image.data.source: no file in pictures matches" in result.stderr
    assert "Traceback" not in result.stderr


LIMITS = {
    "encoder.layers: random weights has layers 0 to 2, not 9": (
        "image",
        {"encoder": {"layers": [0, 1, 9]}},
    ),
    "measurement.reference_images = 4000": ("image", {"measurement": {"reference_images": 4000}}),
    "judge.longest = 3000, but the model reads at most 2048": (
        "text",
        {"judge": {"longest": 3000}},
    ),
}


@pytest.mark.parametrize("reason", LIMITS)
def test_limits_are_told_before_anything_is_trained(checkout, reason):
    domain, sections = LIMITS[reason]
    files = configured(checkout, domain, **sections)
    result = checkout.snakemake("-c1", domain, *files, "--logger", "grid")
    assert result.returncode == 1
    assert re.search(rf"error: domains\.{domain}\..*{re.escape(reason)}", result.stderr)
    assert not list(checkout.path.glob(f"results/x/{domain}/*/*/*/.work"))
