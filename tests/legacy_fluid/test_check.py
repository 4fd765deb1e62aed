"""`--check`: what a code base uses of fluid, found without running it, and what becomes of it."""

import ast
import json

import pytest

from legacy_fluid.__main__ import main
from legacy_fluid.launcher.check import as_json, as_text, check
from legacy_fluid.launcher.names_used import names_used


def used(code):
    return [(use.name, use.line) for use in names_used(ast.parse(code)).uses]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("import paddle.fluid as fluid\nfluid.layers.fc(x, 1)", [("fluid.layers.fc", 2)]),
        ("import paddle.fluid\npaddle.fluid.layers.fc(x, 1)", [("fluid.layers.fc", 2)]),
        ("import paddle\npaddle.fluid.layers.fc(x, 1)", [("fluid.layers.fc", 2)]),
        ("from paddle import fluid as F\nF.layers.fc(x, 1)", [("fluid.layers.fc", 2)]),
        ("import paddle.fluid.layers as L\nL.fc(x, 1)", [("fluid.layers.fc", 2)]),
        ("from paddle.fluid import layers\nlayers.fc(x, 1)", [("fluid.layers.fc", 2)]),
        ("import legacy_fluid as fluid\nfluid.layers.fc(x, 1)", [("fluid.layers.fc", 2)]),
        ("from paddle.fluid.layers import *\nfc(x, 1)", [("fluid.layers.fc", 2)]),
        (
            "from paddle.fluid.dygraph import Linear as D\nclass Net(B):\n    def make(self):\n        return D(1, 2)",
            [("fluid.dygraph.Linear", 1), ("fluid.dygraph.Linear", 4)],
        ),
        (
            "import paddle.fluid as fluid\nL = fluid.layers\nact = L.fc\nact(x, 1)",
            [("fluid.layers.fc", 3), ("fluid.layers.fc", 4)],
        ),
        ("import paddle.fluid as fluid\ngetattr(fluid.layers, 'fc')(x, 1)", [("fluid.layers.fc", 2)]),
        (
            "import paddle.fluid as fluid\nfluid.io.DataLoader.from_generator()",
            [("fluid.io.DataLoader.from_generator", 2)],
        ),
        (
            "import paddle.fluid as fluid\nfluid.layers.fc(fluid.layers.data('x', [1]), 1).shape",
            [("fluid.layers.fc", 2), ("fluid.layers.data", 2)],
        ),
        ("def f():\n    return fluid.layers.fc\nimport paddle.fluid as fluid", [("fluid.layers.fc", 2)]),
        ("class A(fluid.dygraph.Layer):\n    pass\nimport paddle.fluid as fluid", [("fluid.dygraph.Layer", 1)]),
        (
            "import paddle\npaddle.batch(paddle.dataset.mnist.train(), 8)",
            [("paddle.batch", 2), ("paddle.dataset.mnist.train", 2)],
        ),
        ("import paddle.fluid.layers.nope", [("fluid.layers.nope", 1)]),
        ("from common import *\nfluid.layers.fc(x, 1)", [("fluid.layers.fc", 2)]),
        (
            "try:\n    import paddle.fluid as fluid\nexcept ImportError:\n    fluid = None\nfluid.data",
            [("fluid.data", 5)],
        ),
    ],
)
def test_a_name_is_found_whatever_it_is_called(code, expected):
    assert sorted(used(code)) == sorted(expected)


@pytest.mark.parametrize(
    "code",
    [
        "import numpy as fluid\nfluid.layers.fc",
        "import paddle.fluid as fluid\nfluid = other\nfluid.layers.fc",
        "import paddle.fluid as fluid\ndef f(fluid):\n    fluid.layers.fc",
        "import paddle.fluid as fluid\nfor fluid in others:\n    fluid.layers.fc",
        "import paddle.fluid as fluid\nlambda fluid: fluid.layers.fc",
        "import paddle\npaddle.nn.Linear(1, 2)",
        "from . import fluid\nfluid.layers.fc",
        "import paddle.fluid as fluid",
    ],
)
def test_what_is_not_fluids_is_left_alone(code):
    assert used(code) == []


CODE_BASE = {
    "good.py": "import paddle.fluid as fluid\nfluid.layers.fc\nfluid.layers.fc\nfluid.CPUPlace()\n",
    "bad.py": "import os, six_of_old, good\nfrom paddle import fluid\nfluid.layers.softmaxx\n"
    "fluid.load_op_library('a.so')\nimport paddle.dataset.sentiment\n",
    "old.py": "import paddle.fluid\n\nprint 'Python 2'\n",
    "tabs.py": "def f():\n        a = 1\n\tb = 2\n",
    "broken.py": "x = (\n",
    "latin.py": "# -*- coding: latin-1 -*-\nname = 'é'\n",
    ".hidden/skipped.py": "print 'no'",
    "notes.txt": "fluid.layers.fc",
}


@pytest.fixture
def code_base(tmp_path, monkeypatch):
    for name, text in CODE_BASE.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="latin-1")
    cells = [
        {"cell_type": "markdown", "source": ["fluid.layers.nope"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import paddle.fluid as fluid\n", "!ls"]},
        {"cell_type": "code", "source": "%%bash\nls -l"},
        {"cell_type": "code", "source": ["\n", "fluid.optimizer.Adam"]},
    ]
    (tmp_path / "mnist.ipynb").write_text(json.dumps({"cells": cells}))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_report_for_machines_says_what_where_how_often_and_how_covered(code_base, capsys):
    assert main(["--check", ".", "--json"]) == 1
    report = json.loads(capsys.readouterr().out)
    names = {entry["name"]: entry for entry in report["names"]}
    assert {name: entry["coverage"] for name, entry in names.items()} == {
        "fluid.CPUPlace": "supported",
        "fluid.layers.fc": "supported",
        "fluid.layers.softmaxx": "unknown",
        "fluid.load_op_library": "refused",
        "fluid.optimizer.Adam": "supported",
        "paddle.dataset.sentiment": "refused",
    }
    fc = names["fluid.layers.fc"]
    assert (fc["count"], fc["places"]) == (2, [{"file": "good.py", "line": 2}, {"file": "good.py", "line": 3}])
    assert names["fluid.optimizer.Adam"]["places"] == [{"file": "mnist.ipynb", "line": 2, "cell": 4}]
    assert "did you mean fluid.layers.softmax?" in names["fluid.layers.softmaxx"]["note"]
    assert "paddle.utils.cpp_extension.load" in names["fluid.load_op_library"]["note"]
    assert {(entry["file"], entry["line"]) for entry in report["unreadable"]} == {
        ("broken.py", 1),
        ("old.py", 3),
        ("tabs.py", 3),
    }
    assert report["not_installed"] == [{"module": "six_of_old", "file": "bad.py", "line": 1}]
    assert (report["ok"], report["files"]) == (False, 7)
    assert report["summary"] == {"unknown": 1, "refused": 2, "supported": 3}


def test_the_report_for_people_starts_with_what_needs_a_hand(code_base):
    text = as_text(check(["."]))
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert headings[:-1] == ["cannot be read", "unknown", "refused", "supported", "not installed"]
    assert headings[-1] == "7 files, 3 of them unreadable; 6 names of fluid, 7 uses: 3 supported, 2 refused, 1 unknown"
    assert "good.py:2, 3" in text
    assert "mnist.ipynb:cell 4:2" in text
    assert "old.py:3  Missing parentheses in call to 'print'" in text
    assert "it is Python 2; convert it with 2to3: `python -m lib2to3 -w old.py`" in text
    assert "`expand -t 8 tabs.py`" in text


def test_a_code_base_that_is_covered_ends_with_0(code_base, capsys):
    assert main(["--check", "good.py", "mnist.ipynb"]) == 0
    assert "2 files; 3 names of fluid, 4 uses: 3 supported" in capsys.readouterr().out


def test_a_notebook_that_is_none_is_reported_not_raised(tmp_path):
    (tmp_path / "torn.ipynb").write_text('{"cells": [')
    report = check([str(tmp_path)])
    assert [unreadable.mend for unreadable in report.unreadable] == ["make sure that it is what its name says"]
    assert json.loads(as_json(report))["ok"] is False


def test_the_scripts_of_the_tutorials_are_covered(shared):
    report = check([str(shared / "compat" / "seed_scripts")])
    assert report.is_covered
    assert report.coverage["fluid.dygraph.nn.Conv2D"].status == "supported"
