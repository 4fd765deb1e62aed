"""Operators remember the lines of the program that made them, and no others."""

import sys
from pathlib import Path

import paddle
import pytest

import legacy_fluid as fluid
from legacy_fluid import call_stack


def test_an_operator_keeps_the_lines_that_made_it():
    with fluid.program_guard(fluid.Program(), fluid.Program()):
        operator = fluid.layers.mean(fluid.data("x", [2])).op  # this line
    kept = operator.attr("op_callstack")
    files, lines = kept[::2], kept[1::2]
    assert files[-1].startswith(f'  File "{__file__}", line ')
    assert lines[-1].endswith("# this line")
    assert not [file for file in files if str(Path(fluid.__file__).parent) in file]
    assert not [file for file in files if str(Path(paddle.__file__).parent) in file]


def test_a_deep_program_is_cut_at_its_outer_end():
    def deep(level):
        return deep(level - 1) if level else call_stack.extract_stack()

    frames = deep(100)
    assert len(frames) == 16
    assert frames[-1][2:] == ("deep", "return deep(level - 1) if level else call_stack.extract_stack()")


@pytest.mark.parametrize(
    ("file", "whose"),
    [
        (__file__, "program"),
        ("<string>", "program"),
        (pytest.__file__, "program"),
        (fluid.__file__, "layer"),
        ("<frozen runpy>", "layer"),
        (sys.modules["paddle.base.framework"].__file__, "paddle"),
    ],
)
def test_whose_a_file_is(file, whose):
    answers = {"layer": call_stack.is_layers, "paddle": call_stack.is_paddles, "program": call_stack.is_programs}
    assert {name: answer(file) for name, answer in answers.items()} == {name: name == whose for name in answers}
