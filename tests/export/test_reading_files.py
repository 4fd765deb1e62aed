from __future__ import annotations

import os
from pathlib import Path

import pytest

from export.reading.files import check_folder, find_images
from fluidline.errors import DataError


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_images_are_found_below_the_folder_sorted_and_relative_to_it(tmp_path):
    make(tmp_path, "b.png", "a/2.JPG", "a/10.gif", "a/b/c.webp", "c.tiff", "a.png", "notes.txt", "README")
    assert list(find_images(tmp_path)) == ["a/10.gif", "a/2.JPG", "a/b/c.webp", "a.png", "b.png", "c.tiff"]


def test_every_file_is_found_when_all_are_asked_for(tmp_path):
    make(tmp_path, "b.png", "notes.txt", "a/README")
    assert list(find_images(tmp_path, every=True)) == ["a/README", "b.png", "notes.txt"]


def test_hidden_files_and_folders_are_left_out(tmp_path):
    make(tmp_path, ".a.png", ".cache/b.png", "c.png", "d/.e.png")
    assert list(find_images(tmp_path)) == ["c.png"]


def test_links_to_files_are_followed_and_links_to_folders_are_not(tmp_path):
    make(tmp_path, "real/a.png")
    os.symlink("real/a.png", tmp_path / "linked.png")
    os.symlink("gone.png", tmp_path / "broken.png")
    os.symlink(tmp_path, tmp_path / "circle")
    for every in (False, True):
        assert list(find_images(tmp_path, every)) == ["broken.png", "linked.png", "real/a.png"]


def test_a_folder_that_is_named_as_an_image_is_found_too_before_what_is_in_it(tmp_path):
    make(tmp_path, "x.png/y.png")
    for every in (False, True):
        assert list(find_images(tmp_path, every)) == ["x.png", "x.png/y.png"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may list everything")
def test_a_folder_that_may_not_be_listed_is_found_itself(tmp_path):
    make(tmp_path, "a/x.png", "b.png")
    (tmp_path / "a").chmod(0)
    assert list(find_images(tmp_path)) == ["a", "b.png"]
    (tmp_path / "a").chmod(0o700)


def test_names_that_are_not_utf_8_are_found(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")).touch()
    assert [os.fsencode(name) for name in find_images(tmp_path)] == [b"\xff.png"]


def test_what_is_no_folder_is_an_error_with_the_mend(tmp_path):
    with pytest.raises(DataError, match=r"gone: no such folder \(name the folder that holds the images\)"):
        check_folder(tmp_path / "gone")
    make(tmp_path, "x.png")
    with pytest.raises(DataError, match=r"x\.png: not a folder"):
        check_folder(tmp_path / "x.png")
