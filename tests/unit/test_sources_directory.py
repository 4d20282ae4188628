"""Which files of a directory count, as in a shell, and what is told of the others."""

import errno
import os

import pytest

from pipeline.base.errors import PipelineError
from pipeline.sources.directory import list_files


@pytest.fixture
def tree(tmp_path):
    def grow(*names):
        for name in names:
            path = tmp_path / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(os.fsencode(name))
        return tmp_path / "data"

    return grow


def names(root, pattern):
    return [os.fsdecode(path.relative_to(root)) for path in list_files(root, pattern).files]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*.txt", ["a.txt"]),
        ("**/*.txt", ["a.txt", "x/b.txt", "x/y/c.txt"]),
        ("x/**/*.txt", ["x/b.txt", "x/y/c.txt"]),
        ("*/*.txt", ["x/b.txt"]),
        ("**/y/*", ["x/y/c.txt", "x/y/d.md"]),
        ("**", ["a.txt", "x/b.txt", "x/y/c.txt", "x/y/d.md"]),
        ("./x//b.txt", ["x/b.txt"]),
        ("[ab].txt", ["a.txt"]),
        ("?.md", []),
        ("[^_b].txt", ["a.txt"]),
    ],
)
def test_patterns_mean_what_they_mean_in_a_shell(tree, pattern, expected):
    root = tree("a.txt", "x/b.txt", "x/y/c.txt", "x/y/d.md", ".git/e.txt", "x/.f.txt")
    assert names(root, pattern) == expected


def test_folders_and_files_behind_links_count(tree, tmp_path):
    root = tree("cat/0.png", "cat/1.png")
    (tmp_path / "store/deep").mkdir(parents=True)
    for name in ("0.png", "deep/1.png"):
        (tmp_path / "store" / name).touch()
    (root / "dog").symlink_to("../store")
    (root / "one.png").symlink_to("cat/0.png")
    assert names(root, "**/*.png") == ["cat/0.png", "cat/1.png", "dog/0.png", "dog/deep/1.png"]
    assert names(root, "*/*.png") == ["cat/0.png", "cat/1.png", "dog/0.png"]


def test_a_link_to_a_folder_above_is_not_followed_for_ever(tree):
    root = tree("x/0.png")
    (root / "x/again").symlink_to("..")
    (root / "x/self").symlink_to(".")
    (root / "x/none").symlink_to("none")
    found = list_files(root, "**/*.png")
    assert names(root, "**/*.png") == ["x/0.png"]
    assert found.left_out == {"links to folders that are read already": ("x/again", "x/self")}


def test_a_file_counts_once_whatever_leads_to_it(tree):
    """Else a document that is held out under one name would be trained on under another."""
    root = tree("v3/0.txt", "v3/1.txt", "a/b.txt")
    (root / "latest").symlink_to("v3")
    (root / "copy.txt").symlink_to("v3/0.txt")
    found = list_files(root, "**/*.txt")
    assert names(root, "**/*.txt") == ["a/b.txt", "v3/0.txt", "v3/1.txt"]
    assert found.left_out == {
        "links to folders that are read already": ("latest",),
        "the same file under another name": ("copy.txt",),
    }
    assert names(root, "latest/*") == ["latest/0.txt", "latest/1.txt"]


def test_folders_that_link_to_one_another_are_read_once(tree):
    root = tree(*(f"s{number}/0.txt" for number in range(40)))
    for number in range(39):
        for name in "lr":
            (root / f"s{number}" / name).symlink_to(f"../s{number + 1}")
    (root / "s39/back").symlink_to("../s0")
    assert len(names(root, "**/*.txt")) == 40
    assert len(names(root, "**/l/**/r/**/*.txt")) <= 40


def test_deep_folders_and_many_stars_are_no_trouble(tmp_path):
    place = tmp_path
    for _ in range(400):
        place /= "d"
    place.mkdir(parents=True)
    (place / "0.txt").touch()
    assert len(names(tmp_path, "**/" * 20 + "*.txt")) == 1


def test_what_cannot_be_looked_at_is_named(tree, monkeypatch):
    root = tree("0.txt")
    (root / "link.txt").symlink_to("0.txt")

    def refuse(_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("pathlib.Path.is_file", refuse)
    with pytest.raises(
        PipelineError, match=r"link\.txt cannot be read \(Permission denied\); give"
    ):
        list_files(root, "*.txt")


def test_what_nearly_matches_is_told(tree):
    root = tree("0.png", "1.png", "2.PNG", "._0.png", ".ipynb_checkpoints/1.png", "x.jpg")
    (root / "gone.png").symlink_to("nowhere.png")
    os.mkfifo(root / "pipe.png")
    assert list_files(root, "**/*.png").describe() == (
        f"2 files in {root} match '**/*.png'; left out: 2 hidden (._0.png), 1 links to nowhere "
        "(gone.png), 1 neither files nor folders (pipe.png), 1 with a name in other case (2.PNG)"
    )
    assert names(root, ".*.png") == ["._0.png"]
    assert list_files(root, "x.*").describe() == f"1 files in {root} match 'x.*'"


def test_names_may_hold_anything_that_names_may_hold(tree):
    odd = ["a {b} {run}.txt", "c\nd.txt", "e*'\".txt", os.fsdecode(b"f\xff.txt")]
    root = tree(*odd)
    assert names(root, "*.txt") == odd
    assert not list_files(root / "none", "*.txt").files
    assert not list_files(root / odd[0], "*.txt").files
