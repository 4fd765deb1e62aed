"""A user's own graph: from its file to a program, and what is said where that fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import legacy_fluid as fluid
from fluidline.errors import DataError, UsageError
from pipeline.config import TrainConfig
from pipeline.graph_loading import load_graph
from pipeline.program import build_programs

ROOT = Path(__file__).parents[2]
NET = """
{imported}

def net(img, classes):
    hidden = fluid.layers.fc(img, size=4, act="relu")
    return fluid.layers.fc(hidden, size=classes, act="softmax")
"""


def write(folder: Path, text: str, name: str = "net.py") -> str:
    (folder / name).write_text(text)
    return f"{folder / name}:net"


def types(programs: Any) -> list[str]:
    return [op.type for op in programs.test.global_block().ops]


@pytest.mark.parametrize(
    "imported",
    ["import paddle.fluid as fluid", "from paddle import fluid", "import legacy_fluid as fluid"],
)
def test_a_graph_of_a_file_becomes_a_program(imported: str, tmp_path: Path) -> None:
    model = write(tmp_path, NET.format(imported=imported))
    config = TrainConfig(model=model)
    assert config.run == "net"
    programs = build_programs(config, 10)
    layer = ["mul", "elementwise_add"]
    assert types(programs) == [*layer, "relu", *layer, "softmax", "cross_entropy2", "mean", "top_k", "accuracy"]
    assert not (tmp_path / "__pycache__").exists()


def test_paddle_fluid_is_there_for_the_graph_alone(tmp_path: Path) -> None:
    inside = "def net(img, classes):\n    import paddle.fluid as fluid\n    return fluid.layers.fc(img, classes)\n"
    script = (
        "import zlib, sys; from pipeline.config import TrainConfig; from pipeline.program import build_programs\n"
        "build_programs(TrainConfig(model=sys.argv[1]), 10)\n"
        "assert 'paddle.fluid' not in sys.modules\n"
        "try: import paddle.fluid\n"
        "except ModuleNotFoundError: print('gone')"
    )
    command = [sys.executable, "-c", script, write(tmp_path, inside)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "gone\n"


def test_a_file_may_define_what_looks_its_module_up(tmp_path: Path) -> None:
    text = "from __future__ import annotations\nfrom dataclasses import dataclass\nimport legacy_fluid as fluid\n"
    text += "@dataclass\nclass Sizes:\n    hidden: int = 3\n"
    text += "class Net:\n    def __call__(self, img, classes):\n"
    text += "        return fluid.layers.fc(fluid.layers.fc(img, Sizes().hidden), classes)\nnet = Net()\n"
    programs = build_programs(TrainConfig(model=write(tmp_path, text)), 10)
    assert [tuple(each.shape) for each in programs.train.all_parameters()] == [(784, 3), (3,), (3, 10), (10,)]


def test_a_graph_with_a_place_for_dropout_is_told_the_rate(tmp_path: Path) -> None:
    body = "import legacy_fluid as fluid\ndef net(img, classes, dropout=0.1):\n"
    body += "    hidden = fluid.layers.dropout(img, dropout)\n    return fluid.layers.fc(hidden, classes)\n"
    model = write(tmp_path, body)
    for given, expected in ((0.0, 0.1), (0.25, 0.25)):
        programs = build_programs(TrainConfig(model=model, dropout=given), 10)
        (op,) = [op for op in programs.train.global_block().ops if op.type == "dropout"]
        assert op.attr("dropout_prob") == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def other(img, classes): ...", "net.py has no function 'net' (known: other)"),
        ("def nett(img, classes): ...", "net.py has no function 'net' (did you mean 'nett'?)"),
        ("net = 5", "net.py has no function 'net', nor any other"),
        ("def net(:", "net.py cannot be loaded: SyntaxError: invalid syntax"),
        ("\nimport nowhere", "cannot be loaded: ModuleNotFoundError: No module named 'nowhere' ({file}, line 2)"),
        ("import sys\nsys.exit('no')", "cannot be loaded: SystemExit: no ({file}, line 2)"),
        ("def net(): ...", "fails on [-1, 1, 28, 28] of float32: TypeError: net() takes 0 positional arguments"),
        ("def net(img, classes):\n    return img.oops", "AttributeError: 'Variable' object has no attribute 'oops'"),
        ("def net(img, classes):\n    return img.oops", "({file}, line 2)"),
        ("def net(img, classes): ...", "net returns None, and [-1, 10] of float32 is needed"),
        ("def net(img, classes): return img", "net returns [-1, 1, 28, 28] of float32, and [-1, 10] of float32"),
        (
            "import legacy_fluid as fluid\n"
            "def net(img, classes): return fluid.layers.cast(fluid.layers.fc(img, classes), 'float64')",
            "net returns [-1, 10] of float64, and [-1, 10] of float32 is needed (a probability for each class",
        ),
    ],
)
def test_a_file_of_no_use_is_told_in_a_line(text: str, words: str, tmp_path: Path) -> None:
    model = write(tmp_path, text)
    with pytest.raises(DataError) as error:
        build_programs(TrainConfig(model=model), 10)
    assert words.replace("{file}", str(tmp_path / "net.py")) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read the graph .*net.py: No such file or directory"):
        load_graph(f"{tmp_path}/net.py:net")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("net.py", "model net.py names no function of that file (as in net.py:FUNCTION)"),
        ("net.py:", "no such model: 'net.py:'"),
        ("net.py:a-b", "no such model: 'net.py:a-b'"),
        ("cnn2", "no such model: 'cnn2' (did you mean 'cnn20'?)"),
    ],
)
def test_a_name_that_is_none_is_refused_at_once(name: str, words: str) -> None:
    with pytest.raises(UsageError) as error:
        TrainConfig(model=name)
    assert words in str(error.value)


def test_a_model_without_a_place_for_dropout_says_who_has_one() -> None:
    with pytest.raises(
        UsageError, match=r"dropout is 0.5, and model softmax has no .* \(those with: mlp, lenet, cnn20,"
    ):
        build_programs(TrainConfig(model="softmax", dropout=0.5), 10)


@pytest.mark.parametrize("mode", ["upscale_in_train", "downgrade_in_infer"])
@pytest.mark.parametrize("model", ["mlp", "lenet", "cnn20"])
def test_dropout_of_either_mode_stands_before_the_last_layer_and_none_at_a_rate_of_0(model: str, mode: str) -> None:
    plain = build_programs(TrainConfig(model=model, dropout_mode=mode), 10)
    assert "dropout" not in types(plain)
    programs = build_programs(TrainConfig(model=model, dropout=0.25, dropout_mode=mode), 10)
    dropouts = [op for op in programs.test.global_block().ops if op.type == "dropout"]
    assert {op.attr("dropout_implementation") for op in dropouts} == {mode}
    assert types(programs)[types(programs).index("softmax") - 3] == "dropout"
    assert [type for type in types(programs) if type != "dropout"] == types(plain)
    assert len(programs.dropout_seeds) == len(dropouts) == (2 if model == "mlp" else 1)


def test_a_dropout_that_scales_down_in_use_answers_with_what_is_kept(tmp_path: Path) -> None:
    answers = {}
    for mode in ("upscale_in_train", "downgrade_in_infer"):
        programs = build_programs(TrainConfig(model="mlp", loss="mse", dropout=0.5, dropout_mode=mode), 10)
        executor, scope = fluid.Executor(fluid.CPUPlace()), fluid.Scope()
        executor.run(programs.startup, scope=scope)
        feed = {"img": np.ones((1, 1, 28, 28), np.float32), "label": np.zeros((1, 1), np.int64)}
        answers[mode] = executor.run(programs.test, feed, [programs.prediction], scope=scope)[0][0, 0]
    # Two layers of relu and one without, all biases 0: half of half.
    assert answers["downgrade_in_infer"] == pytest.approx(answers["upscale_in_train"] / 4, rel=1e-5)
