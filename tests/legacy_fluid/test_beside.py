"""What 2.x dropped beside fluid: data sets of the user's own, Ploter, paddle.compat."""

import gzip
import importlib
import struct
import sys
from types import SimpleNamespace

import numpy as np
import paddle
import pytest

from legacy_fluid.beside import compat, dataset, plot

installation = importlib.import_module("legacy_fluid.install")

IMAGES = np.arange(3 * 784, dtype=np.uint8).reshape(3, 28, 28)
LABELS = np.array([7, 0, 9], np.uint8)


@pytest.fixture
def installed():
    installation.install()
    yield
    installation.uninstall()


def write_mnist(folder, suffix="", cut=0):
    images = struct.pack(">IIII", 2051, *IMAGES.shape) + IMAGES.tobytes()[: IMAGES.size - cut]
    labels = struct.pack(">II", 2049, len(LABELS)) + LABELS.tobytes()
    for split in ("train", "t10k"):
        for name, content in ((f"{split}-images-idx3-ubyte", images), (f"{split}-labels-idx1-ubyte", labels)):
            packed = gzip.compress(content) if suffix else content
            (folder / f"{name}{suffix}").write_bytes(packed)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_mnist_comes_from_the_folder_that_the_user_names(installed, tmp_path, monkeypatch, suffix, split):
    write_mnist(tmp_path, suffix)
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    samples = list(getattr(paddle.dataset.mnist, split)()())
    assert [label for _, label in samples] == LABELS.tolist()
    assert {type(label) for _, label in samples} == {int}
    expected = IMAGES.reshape(3, 784).astype("float32") / 255 * 2 - 1
    np.testing.assert_array_equal(np.stack([image for image, _ in samples]), expected)


def test_a_folder_without_the_files_is_an_error_that_names_the_file_and_the_variable(installed, tmp_path, monkeypatch):
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"MNIST_DIR.* holds no train-images-idx3-ubyte\.gz"):
        paddle.dataset.mnist.train()


def test_a_torn_file_names_itself_and_what_it_holds(installed, tmp_path, monkeypatch):
    write_mnist(tmp_path, cut=100)
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    with pytest.raises(ValueError, match=r"train-images-idx3-ubyte holds 2252 bytes for 2352 values"):
        next(paddle.dataset.mnist.train()())


def test_a_download_of_the_programs_own_is_taken(installed, tmp_path, monkeypatch):
    write_mnist(tmp_path, ".gz")
    monkeypatch.setattr(paddle.dataset.common, "download", lambda url, *_: str(tmp_path / url.split("/")[-1]))
    assert len(list(paddle.dataset.mnist.test()())) == 3


def test_house_prices_come_from_the_folder_that_the_user_names(installed, tmp_path, monkeypatch):
    rows = np.random.default_rng(0).uniform(1, 9, (10, 14))
    np.savetxt(tmp_path / "housing.data", rows)
    monkeypatch.setenv("UCI_HOUSING_DIR", str(tmp_path))
    monkeypatch.setattr(paddle.dataset.uci_housing, "UCI_TRAIN_DATA", None)
    samples = list(paddle.dataset.uci_housing.train()())
    assert len(samples) == 8
    np.testing.assert_allclose([price for _, price in samples], rows[:8, 13:], rtol=1e-6)


def test_data_sets_do_not_warn_that_they_are_deprecated(installed):
    for name in dataset.EXPORTS:
        for value in vars(getattr(paddle.dataset, name)).values():
            assert not hasattr(value, "__wrapped__")


@pytest.mark.parametrize("module", ["paddle.dataset.image", "paddle.dataset.movielens", "paddle.reader"])
def test_a_star_import_gives_what_it_gave(installed, module):
    names = {}
    exec(f"from {module} import *", names)
    assert set(importlib.import_module(module).__all__) <= names.keys()
    assert len(names) > 5


def test_curves_are_drawn_into_a_file_named_after_them(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    ploter = plot.Ploter("Train cost", "Test cost")
    for step in range(3):
        ploter.append("Train cost", step, np.float32(1 / (step + 1)))
        ploter.plot()
    assert (tmp_path / "train_cost_test_cost.png").read_bytes()[:4] == b"\x89PNG"
    assert capsys.readouterr().err.count("train_cost_test_cost.png") == 1
    ploter.plot(tmp_path / "named.png")
    assert (tmp_path / "named.png").exists()
    ploter.reset()
    assert ploter.__plot_data__["Train cost"].step == []


def test_in_a_notebook_curves_are_shown_in_place(tmp_path, monkeypatch):
    shown = []
    display = SimpleNamespace(clear_output=lambda wait: shown.append("cleared"), display=shown.append)
    notebook = SimpleNamespace(get_ipython=lambda: object(), display=display)
    monkeypatch.setitem(sys.modules, "IPython", notebook)
    monkeypatch.chdir(tmp_path)
    ploter = plot.Ploter("cost")
    ploter.append("cost", 0, 1.0)
    ploter.plot()
    assert shown[0] == "cleared"
    assert type(shown[1]).__name__ == "Figure"
    assert list(tmp_path.iterdir()) == []


def test_drawing_can_be_turned_off(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DISABLE_PLOT", "True")
    ploter = plot.Ploter("cost")
    ploter.append("cost", 0, 1.0)
    ploter.plot()
    assert list(tmp_path.iterdir()) == []


def test_a_point_of_a_curve_that_is_not_there_names_those_that_are():
    with pytest.raises(AssertionError, match="no curve 'coast'; there is: cost"):
        plot.Ploter("cost").append("coast", 0, 1.0)


@pytest.mark.parametrize(
    ("function", "argument", "expected"),
    [
        (compat.to_text, b"a", "a"),
        (compat.to_text, [b"a", "b", 1], ["a", "b", 1]),
        (compat.to_text, {b"a"}, {"a"}),
        (compat.to_text, {b"k": b"v"}, {"k": "v"}),
        (compat.to_text, None, None),
        (compat.to_bytes, "a", b"a"),
        (compat.to_bytes, ["a", b"b"], [b"a", b"b"]),
        (compat.to_bytes, None, None),
        (compat.round, 2.5, 3.0),
        (compat.round, -0.5, -1.0),
        (compat.round, 0.0, 0.0),
        (compat.get_exception_message, ValueError("why"), "why"),
    ],
)
def test_compat_does_what_it_did(function, argument, expected):
    assert function(argument) == expected


def test_compat_converts_in_place_where_asked_to():
    for convert, container, expected in (
        (compat.to_text, [b"a"], ["a"]),
        (compat.to_bytes, {"a"}, {b"a"}),
        (compat.to_text, {b"k": b"v"}, {b"k": b"v", "k": "v"}),
    ):
        assert convert(container, inplace=True) is container
        assert container == expected
