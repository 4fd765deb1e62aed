"""Where `load` looks, in what order, and that nothing takes the place of what was asked for by name."""

import http.server
import logging
import socket
import threading
import time
from functools import partial

import numpy as np
import pytest
from data_files import TRAIN_IMAGES, digits, json_parts, write_idx_set, write_json
from PIL import Image

from fluidline.errors import DataError
from pipeline.data import download, load, sources
from pipeline.data.dataset import Dataset, Split


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home of its own, no data anywhere, nobody who answers, and a built-in set that takes no time to draw."""
    folder = tmp_path / "home"
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("MNIST_DIR", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        monkeypatch.setattr(download, "URL_PREFIX", f"http://127.0.0.1:{closed.getsockname()[1]}/")
    images, labels = digits(10)
    split = Split(images, labels)
    monkeypatch.setattr(
        sources, "_builtin", lambda seed: Dataset(f"builtin {seed}", split, split, None, tuple("0123456789"))
    )
    return folder


@pytest.fixture
def said(caplog):
    """What was logged, a line for each."""
    caplog.set_level(logging.INFO)
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_folder_of_idx_files_is_taken_and_named(tmp_path, said):
    folder = write_idx_set(tmp_path / "idx", train=30, test=20)
    dataset = load(folder)
    assert (len(dataset.train), len(dataset.test)) == (30, 20)
    assert said() == [f"data: IDX files in {folder} (30 train, 20 test)"]


@pytest.mark.parametrize("spec", ["json", "json/mnist.json.gz"])
def test_the_tutorials_file_is_taken_from_its_folder_or_by_itself(tmp_path, said, spec):
    (tmp_path / "json").mkdir()
    path = write_json(tmp_path / "json" / "mnist.json.gz", json_parts())
    load(str(tmp_path / spec))
    assert said() == [f"data: {path} (12 train, 11 valid, 10 test)"]


def test_a_folder_of_images_is_divided_by_the_seed(tmp_path):
    for name in "ab":
        (tmp_path / "set" / name).mkdir(parents=True)
        for index in range(10):
            Image.new("L", (9, 9), index * 9).save(tmp_path / "set" / name / f"{index}.png")
    first, second = (load(tmp_path / "set", seed=seed) for seed in (0, 1))
    assert first.labels == ("a", "b")
    assert sorted(first.test.images[:, 0, 0]) != sorted(second.test.images[:, 0, 0])


def test_builtin_is_taken_by_name_and_drawn_by_the_seed():
    assert load("builtin", seed=3).source == "builtin 3"


def test_a_folder_in_the_home_may_be_written_with_a_tilde(home):
    write_idx_set(home / "mine")
    assert len(load("~/mine").train) == 30


def test_a_folder_that_is_not_there_is_an_error_and_no_other_source(tmp_path, said):
    with pytest.raises(DataError, match=r"no data: .*nowhere is not there .* or 'builtin'"):
        load(tmp_path / "nowhere")
    assert said() == []


def test_a_file_of_another_kind_is_an_error(tmp_path):
    (tmp_path / "digits.xls").write_text("1,2,3")
    with pytest.raises(DataError, match=r"digits.xls is a file of another kind"):
        load(tmp_path / "digits.xls")


@pytest.mark.parametrize(("files", "found"), [([], "found nothing"), (["a.txt", "b.csv"], "found a.txt, b.csv")])
def test_a_folder_without_data_says_what_is_there_and_what_is_needed(tmp_path, files, found):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in files:
        (folder / name).touch()
    with pytest.raises(DataError, match=rf"{folder} holds no data, {found} \(needed: .*{TRAIN_IMAGES}.*mnist.json.gz"):
        load(folder)


def test_mnist_dir_comes_before_the_cache(tmp_path, home, monkeypatch):
    write_idx_set(home / ".cache/paddle/dataset/mnist", suffix=".gz")
    monkeypatch.setenv("MNIST_DIR", str(write_idx_set(tmp_path / "named")))
    assert str(tmp_path / "named") in load().source


def test_a_named_folder_comes_before_mnist_dir(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nowhere"))
    assert str(tmp_path / "named") in load(write_idx_set(tmp_path / "named")).source


def test_a_wrong_mnist_dir_is_an_error_and_no_other_source(tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"nowhere is not there .*\$MNIST_DIR names it"):
        load()


def test_an_empty_mnist_dir_is_none(monkeypatch):
    monkeypatch.setenv("MNIST_DIR", "")
    assert load().source == "builtin 0"


def test_paddles_cache_is_taken_before_anything_is_downloaded(home, said):
    cache = write_idx_set(home / ".cache/paddle/dataset/mnist", suffix=".gz")
    load()
    assert said() == [f"data: IDX files in {cache} (30 train, 20 test)"]


def test_a_damaged_cache_is_said_and_passed_over(home, said):
    cache = write_idx_set(home / ".cache/paddle/dataset/mnist", suffix=".gz")
    (cache / f"{TRAIN_IMAGES}.gz").write_bytes(b"torn")
    assert load().source == "builtin 0"
    assert "Paddle's cache is of no use" in said()[0]


def test_without_any_data_the_builtin_digits_are_taken_and_it_is_said_why(said):
    assert load().source == "builtin 0"
    assert "no MNIST, so the built-in digits (cannot download http://127.0.0.1" in said()[-2]
    assert "Connection refused" in said()[-2]
    assert said()[-1] == "data: builtin 0 (10 train, 10 test)"


# The download.


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """Return a function that serves a folder where MNIST is downloaded from."""
    servers = []

    def start(folder):
        handler = partial(QuietHandler, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        monkeypatch.setattr(download, "URL_PREFIX", f"http://127.0.0.1:{server.server_port}/")

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def test_mnist_is_downloaded_once_into_paddles_cache(serve, home, shared, said, monkeypatch):
    serve(shared / "mnist")
    dataset = load()
    assert (len(dataset.train), len(dataset.test)) == (60000, 10000)
    cache = home / ".cache/paddle/dataset/mnist"
    assert sorted(path.name for path in cache.iterdir()) == sorted(f"{name}.gz" for name in download.CONTENTS)
    assert said()[0].startswith("data: downloading MNIST (11 MB) from http://127.0.0.1")
    monkeypatch.setattr(download, "download_mnist", lambda folder: pytest.fail("downloaded again"))
    assert load().source == dataset.source


def test_a_download_that_is_not_mnist_leaves_nothing_behind(serve, tmp_path, home, said):
    serve(write_idx_set(tmp_path / "other", suffix=".gz"))
    assert load().source == "builtin 0"
    assert "sent something else than MNIST: its SHA-256" in said()[-2]
    assert list(home.rglob("*ubyte*")) == []


def test_a_page_instead_of_a_file_is_not_mnist(serve, tmp_path, home, said):
    (tmp_path / "pages").mkdir()
    for name in download.CONTENTS:
        (tmp_path / "pages" / f"{name}.gz").write_text("<html>Please log in</html>")
    serve(tmp_path / "pages")
    assert load().source == "builtin 0"
    assert "that are no gzip file" in said()[-2]


def test_a_missing_file_is_said_by_its_url(serve, tmp_path, said):
    serve(tmp_path)
    assert load().source == "builtin 0"
    assert "cannot download http://127.0.0.1" in said()[-2]
    assert "404 File not found" in said()[-2]


def test_a_server_that_does_not_answer_is_given_up(monkeypatch, said):
    monkeypatch.setattr(download, "PATIENCE", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setattr(download, "URL_PREFIX", f"http://127.0.0.1:{silent.getsockname()[1]}/")
        assert load().source == "builtin 0"
    assert "timed out" in said()[-2]


def test_a_look_up_of_the_name_that_does_not_end_is_given_up(monkeypatch, said):
    released = threading.Event()
    monkeypatch.setattr(download, "PATIENCE", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(60) and [])
    monkeypatch.setattr(download, "URL_PREFIX", "http://nameless.invalid/")
    begin = time.monotonic()
    assert load().source == "builtin 0"
    assert time.monotonic() - begin < 30
    assert "no answer" in said()[-2]
    released.set()


def test_a_home_that_cannot_be_written_is_said_and_passed_over(serve, home, shared, said):
    home.write_text("a file where the folder should be")
    serve(shared / "mnist")
    assert load().source == "builtin 0"
    assert "cannot write" in said()[-2]


def test_the_builtin_digits_are_those_of_the_project(monkeypatch):
    from pipeline.data import builtin

    monkeypatch.undo()
    split = Split(np.zeros((1, 28, 28), np.uint8), np.zeros(1, np.int64))
    dataset = Dataset("drawn", split, split, None, ("0",))
    monkeypatch.setattr(builtin, "dataset", lambda seed: dataset)
    assert load("builtin", seed=4) is dataset
