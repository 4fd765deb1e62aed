"""What is printed of programs, variables, tensors and dtypes; the texts are those of genuine 1.8.5."""

from __future__ import annotations

import numpy as np

import legacy_fluid as fluid

VARIABLE = """\
name: "fc_0.w_0"
type {
  type: LOD_TENSOR
  lod_tensor {
    tensor {
      data_type: FP32
      dims: 2
      dims: 1
    }
  }
}
persistable: true
"""
DETAILS = """\
error_clip: None
stop_gradient: False
trainable: True
optimize_attr: {'learning_rate': 1.0}
regularizer: None
do_model_average: True
"""
TENSOR = """\
\tlod: {{0, 2, 6}}
\tdim: 6, 1
\tlayout: NCHW
\tdtype: float
\tdata: [0 1 2 3 4 5]
"""


def test_a_variable_prints_its_message_and_with_details_the_rest() -> None:
    program = fluid.Program()
    with fluid.program_guard(program, fluid.Program()), fluid.unique_name.guard():
        fluid.layers.fc(fluid.data("x", [None, 2]), 1)
    weight = program.global_block().var("fc_0.w_0")
    assert str(weight) == repr(weight) == VARIABLE
    assert weight.to_string(True, with_details=True) == VARIABLE + DETAILS


def test_a_program_prints_its_message_without_what_came_later() -> None:
    program = fluid.Program()
    with fluid.program_guard(program, fluid.Program()):
        fluid.layers.fc(fluid.data("x", [None, 2]), 1)
    text = str(program)
    assert text == program.to_string(True)
    assert text.startswith("blocks {\n  idx: 0\n  parent_idx: -1\n  vars {")
    assert "is_parameter" not in text
    assert "op_version_map" not in text
    assert str(program.global_block()).startswith("idx: 0\nparent_idx: -1\nvars {")
    assert 'type: "mul"\n' in str(program.global_block().ops[0])


def test_dtypes_go_by_the_names_of_1_8() -> None:
    x = fluid.data("named", [None, 2], "int64")
    assert f"{x.dtype} {[x.dtype]}" == "VarType.INT64 [VarType.INT64]"


def test_a_tensor_prints_its_lengths_and_values() -> None:
    array = np.arange(6, dtype="float32").reshape(6, 1)
    assert str(fluid.create_lod_tensor(array, [[2, 4]], fluid.CPUPlace())) == TENSOR
    assert str(fluid.LoDTensor()) == "(not initialized)"


def test_an_eager_variable_prints_its_name_too() -> None:
    with fluid.dygraph.guard():
        text = str(fluid.dygraph.to_variable(np.ones((2, 2), "float32"), name="x"))
    expected = "name x, dtype: VarType.FP32 shape: [2, 2] \tlod: {}\n\tdim: 2, 2\n\tlayout: NCHW\n\tdtype: float\n"
    assert text == f"{expected}\tdata: [1 1 1 1]\n"
