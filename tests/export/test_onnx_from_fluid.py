from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import fluid_models
import numpy as np
import onnx
import onnxruntime
import pytest

from export.__main__ import export
from export.conversion.fluid_model import read_fluid
from export.conversion.from_saved import convert_fluid
from fluidline.cli import main
from fluidline.errors import DataError, ValidationError

ROOT = Path(__file__).parents[2]


def ends(summary: dict) -> list[str]:
    return [f"{end['name']} {end['dtype']}{end['shape']}" for end in (*summary["inputs"], *summary["outputs"])]


def answers(file: Path, **feed: np.ndarray) -> list[np.ndarray]:
    return onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"]).run(None, feed)


@pytest.mark.parametrize("network", ["softmax", "mlp", "lenet"])
@pytest.mark.parametrize("form", ["separate", "combined"])
def test_a_model_of_genuine_fluid_gives_what_genuine_fluid_gave(shared, tmp_path, network, form):
    folder = shared / "compat" / "legacy_models" / network
    inputs, outputs = np.load(folder / "inputs.npy"), np.load(folder / "outputs.npy")
    paddle = read_fluid(folder / form).model.run({"img": inputs})[0]
    np.testing.assert_allclose(paddle, outputs, rtol=0, atol=1e-6)
    summary = convert_fluid(folder / form, tmp_path / "model.onnx")
    assert len(summary["inputs"]) == len(summary["outputs"]) == 1
    np.testing.assert_allclose(answers(tmp_path / "model.onnx", img=inputs)[0], outputs, rtol=0, atol=1e-5)


CASES: dict[Callable, list[str]] = {
    fluid_models.two_ends: [
        "left float32['batch', 8]",
        "right float32['batch', 4, 6]",
        "fc_2.tmp_2 float32['batch', 3]",
        "reduce_mean_0.tmp_0 float32['batch', 1]",
    ],
    fluid_models.recommender: [
        *(f"{name} int64['batch', 1]" for name in ("user", "gender", "movie")),
        "scale_0.tmp_0 float32['batch', 1]",
    ],
    fluid_models.residual: [
        "image float32['batch', 3, 'height', 'width']",
        "fc_0.tmp_2 float32['batch', 5]",
        "elementwise_add_0.tmp_1 float32['batch', 8, 'height', 'width']",
    ],
    fluid_models.text: [
        "words int64['batch', 'length']",
        "mask float32['batch', 'length', 1]",
        "fc_0.tmp_2 float32['batch', 4]",
        "arg_max_0.tmp_0 int64['batch']",
    ],
}


@pytest.mark.parametrize(("network", "expected"), CASES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_models_of_any_inputs_and_outputs_convert(tmp_path, network, expected):
    folder = fluid_models.save(tmp_path / "model", network)
    summary = convert_fluid(folder, tmp_path / "out" / "model.onnx")
    assert ends(summary) == expected
    assert summary["validation"]["largest_difference"] < 1e-5
    assert [found["output"] for found in summary["validation"]["outputs"]] == [name.split()[0] for name in expected][
        len(summary["inputs"]) :
    ]
    assert json.loads((tmp_path / "out" / "model.json").read_text()) == summary


def test_batch_norms_fold_into_convolutions_and_nothing_superfluous_is_left(tmp_path):
    summary = convert_fluid(fluid_models.save(tmp_path / "model", fluid_models.residual), tmp_path / "model.onnx")
    assert set(summary["batch_norms"].values()) == {"into the Conv before it"}
    kinds = {node.op_type for node in onnx.load(tmp_path / "model.onnx").graph.node}
    assert kinds == {"Conv", "Relu", "Add", "GlobalAveragePool", "Mul", "Flatten", "MatMul", "Softmax"}


def test_recurrences_of_fixed_length_are_unrolled(tmp_path):
    summary = convert_fluid(fluid_models.save(tmp_path / "model", fluid_models.recurrent), tmp_path / "model.onnx")
    assert "recurrent" in summary["rewritten_operators"]
    assert [spec["shape"] for spec in summary["outputs"]] == [["batch", 5, 4], ["batch", 5, 4]]


def test_a_recurrence_of_free_length_says_that_it_must_be_fixed(tmp_path):
    def network():
        import legacy_fluid as fluid

        x = fluid.data("x", [-1, -1, 3], "float32")
        return [x], [fluid.layers.rnn(fluid.layers.GRUCell(hidden_size=4), x)[0]]

    with pytest.raises(DataError, match=r"'recurrent' can only be converted where the sizes of .* are fixed"):
        convert_fluid(fluid_models.save(tmp_path / "model", network), tmp_path / "model.onnx")


def test_lod_sequences_become_rows_and_lengths(tmp_path):
    summary = convert_fluid(fluid_models.save(tmp_path / "model", fluid_models.sentiment), tmp_path / "model.onnx")
    assert ends(summary) == [
        "words int64['words_rows', 1]",
        "words_lengths int64['batch']",
        "fc_2.tmp_5 float32['batch', 2]",
        "lstm_0.tmp_0 float32['words_rows', 4]",
    ]
    words, lengths = np.arange(7)[:, None], np.array([4, 1, 2])
    together = answers(tmp_path / "model.onnx", words=words, words_lengths=lengths)[0]
    alone = [
        answers(tmp_path / "model.onnx", words=part, words_lengths=np.array([len(part)]))[0][0]
        for part in np.split(words, np.cumsum(lengths)[:-1])
    ]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-6)


def test_sequences_that_are_always_as_long_share_lengths_and_rows(tmp_path):
    summary = convert_fluid(fluid_models.save(tmp_path / "model", fluid_models.tagging), tmp_path / "model.onnx")
    assert ends(summary) == [
        "words int64['rows', 1]",
        "marks int64['rows', 1]",
        "words_lengths int64['batch']",
        "crf_decoding_0.tmp_0 int64['rows', 1]",
        "fc_2.tmp_1 float32['rows', 4]",
    ]


def test_sequences_that_no_operators_match_are_refused_with_a_way_out(tmp_path):
    folder = fluid_models.save(tmp_path / "model", fluid_models.joined)
    with pytest.raises(DataError) as caught:
        convert_fluid(folder, tmp_path / "model.onnx")
    assert "sequence_concat work on LoD sequences in a way that no ONNX operators match" in str(caught.value)
    assert "padded input [batch, length, ...]" in str(caught.value)


def network_of(layer: Callable) -> fluid_models.Network:
    def network():
        import legacy_fluid as fluid

        x = fluid.data("x", [-1, 4], "float32")
        return [x], [layer(fluid, fluid.layers.fc(x, 4))]

    return network


REFUSED = {
    "draw random numbers": lambda fluid, x: fluid.layers.uniform_random_batch_size_like(x, [-1, 4]) + x,
    "are losses and measures of training": lambda fluid, x: fluid.layers.sigmoid_cross_entropy_with_logits(x, x),
    "are unknown to paddle2onnx": lambda fluid, x: fluid.layers.add_position_encoding(
        fluid.layers.unsqueeze(x, [1]), 1.0, 1.0
    ),
}


@pytest.mark.parametrize(("reason", "layer"), REFUSED.items())
def test_operators_that_onnx_cannot_have_are_named(tmp_path, reason, layer):
    folder = fluid_models.save(tmp_path / "model", network_of(layer))
    with pytest.raises(DataError, match=f"the model cannot be ONNX: its operators .* {reason}"):
        convert_fluid(folder, tmp_path / "model.onnx")
    assert not (tmp_path / "model.onnx").exists()


def test_a_conversion_that_goes_wrong_writes_nothing(tmp_path, monkeypatch):
    from export.conversion import convert, fold

    real = fold.fold

    def fold_wrongly(graph):
        report = real(graph)
        name = next(name for name, value in graph.constants.items() if value.ndim == 4)
        graph.constants[name] = graph.constants[name] * np.float32(1.001)
        return report

    monkeypatch.setattr(convert, "fold", fold_wrongly)
    folder = fluid_models.save(tmp_path / "model", fluid_models.residual)
    with pytest.raises(ValidationError, match=r"^values: "):
        convert_fluid(folder, tmp_path / "out" / "model.onnx")
    assert not list((tmp_path / "out").iterdir())


def test_the_command_converts_in_a_process_of_its_own_from_any_folder(tmp_path):
    names = {"model_filename": "net", "params_filename": "weights"}
    folder = fluid_models.save(tmp_path / "model", fluid_models.two_ends, **names)
    command = [
        sys.executable,
        "-m",
        "export",
        "onnx",
        "--from-fluid",
        folder,
        "--params",
        "weights",
        "--out",
        tmp_path / "m.onnx",
    ]
    done = subprocess.run([*command, "--json"], cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["source"]["files"].keys() == {"net", "weights"}
    assert (tmp_path / "m.onnx").exists()


def test_the_command_says_in_a_line_what_is_wrong(tmp_path, capsys):
    assert main(export, ["onnx", "--from-fluid", str(tmp_path), "--out", str(tmp_path / "model.onnx")]) == 1
    said = capsys.readouterr()
    assert said.err.startswith(f"error: {tmp_path} holds no inference model: there is no __model__")
    assert said.out == ""
