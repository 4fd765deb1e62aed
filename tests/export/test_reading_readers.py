from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from classifiers import bar
from PIL import Image

from export.reading import readers as module
from export.reading.messages import Settings
from export.reading.process import read_batch
from export.reading.readers import Readers
from fluidline.errors import DataError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """50 images: plain PNG and JPEG, one of them no image."""
    for index in range(50):
        Image.fromarray(bar(index % 10)).save(
            tmp_path / f"{index:02d}.{'jpg' if index % 7 == 0 else 'png'}", quality=100
        )
    (tmp_path / "13.png").write_bytes(b"no image")
    return tmp_path


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def settings_of(folder: Path, fit: bool = False) -> Settings:
    return Settings(str(folder), "auto", fit, 10_000)


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("size", [1, 8, 100])
def test_batches_come_in_order_with_their_names_pixels_and_failures(folder, count, size):
    names = names_in(folder)
    with Readers(iter(names), settings_of(folder), size, count) as readers:
        batches = list(readers)
    assert [name for batch in batches for name in batch.names] == names
    assert all(len(batch.names) == size for batch in batches[:-1])
    pixels = np.frombuffer(b"".join(batch.pixels for batch in batches), np.uint8).reshape(-1, 28, 28)
    for index, image in enumerate(pixels):
        expected = bar(index % 10) if index != 13 else 0
        assert np.abs(image.astype(int) - expected).max() <= (30 if index % 7 == 0 else 0)
    assert [reason for batch in batches for reason in batch.failures.values()] == ["not an image of a known format"]


def test_a_process_reads_as_the_function_does(folder):
    settings = settings_of(folder, fit=True)
    names = names_in(folder)
    with Readers(iter(names), settings, 50, 1) as readers:
        (batch,) = readers
    answer = read_batch(names, settings)
    assert (batch.pixels, batch.failures) == (answer.pixels, answer.failures)


def test_leaving_early_ends_the_processes_and_the_threads(folder):
    before = threading.active_count()

    def endless():
        while True:
            yield from names_in(folder)

    with Readers(endless(), settings_of(folder), 4, 2) as readers:
        next(iter(readers))
        processes = [reader._process for reader in readers._readers]
    assert [process.returncode for process in processes] == [-signal.SIGKILL] * len(processes)
    assert threading.active_count() == before


def test_a_consumer_that_waits_lets_no_more_be_read_than_a_fixed_number(folder, monkeypatch):
    monkeypatch.setattr(module, "_AHEAD", 8192 * 28 * 28)
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield "00.jpg"

    with Readers(endless(), settings_of(folder), 512, 1) as readers:
        next(iter(readers))
        reached = -1
        while reached != taken:  # until it stands still
            reached = taken
            time.sleep(0.5)
    assert taken <= 8192 + 2 * 512


def test_a_failure_to_list_the_files_is_the_consumers(folder):
    def failing():
        yield from names_in(folder)
        raise PermissionError("sub")

    with Readers(failing(), settings_of(folder), 8, 2) as readers, pytest.raises(PermissionError, match="sub"):
        list(readers)


def test_a_reader_that_dies_is_an_error_that_names_the_files(folder):
    def killing():
        yield from names_in(folder)[:8]
        readers._readers[0]._process.kill()
        yield from names_in(folder)[8:16]

    readers = Readers(killing(), settings_of(folder), 8, 1)
    with readers, pytest.raises(DataError, match=r"died, exit status -9, on one of 0\d\.\w+ to \d\d\.\w+"):
        list(readers)


def test_a_reader_ends_when_its_parent_is_gone(folder):
    with Readers(iter(names_in(folder)), settings_of(folder), 8, 1) as readers:
        list(readers)
        reader = readers._readers[0]
        reader._requests.close()
        assert reader._process.wait(timeout=20) == 0


def test_a_pipe_among_the_files_does_not_hold_it_up(folder):
    os.mkfifo(folder / "pipe.png")
    with Readers(iter(["pipe.png"]), settings_of(folder), 8, 1) as readers:
        (batch,) = readers
    assert batch.failures == {0: "no regular file"}
