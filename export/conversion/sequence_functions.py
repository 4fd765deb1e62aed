"""What fluid's operators over sequences compute, as ONNX functions in ONNX's own text.

Each is a function of the slots of fluid's operator, `Lengths` among them. Of T rows, B sequences and D features:
X [T, D], Lengths [B] int64. The formulas are those of Paddle 1.8's API documents.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import onnx
import onnx.parser

from fluidline.errors import DataError

DOMAIN = "fluid"
OPSET = 15  # CastLike is of this one

Make = Callable[[str, Sequence[str], Mapping[str, Any], int], onnx.FunctionProto]

_CONSTANTS = """
    zero = Constant<value = int64 {0}>()
    one = Constant<value = int64 {1}>()
    first = Constant<value = int64[1] {0}>()
    second = Constant<value = int64[1] {1}>()
    third = Constant<value = int64[1] {2}>()
"""

# Of each sequence, the rows at which it starts and ends [B]; of each row, its number and its sequence [T].
_PLACES = """
    ends = CumSum(Lengths, zero)
    starts = Sub(ends, Lengths)
    rows = ReduceSum<keepdims = 0>(Lengths)
    row = Range(zero, rows, one)
    row_down = Unsqueeze(row, second)
    ends_across = Unsqueeze(ends, first)
    passed = GreaterOrEqual(row_down, ends_across)
    passed_count = Cast<to = 7>(passed)
    sequence = ReduceSum<keepdims = 0>(passed_count, second)
    start = Gather(starts, sequence)
    end = Gather(ends, sequence)
    last_row = Sub(rows, one)
"""

# Which row stands at each step of each sequence [B, M], M steps being the longest; and whether the sequence goes so far.
_STEPS = """
    longest = ReduceMax<keepdims = 0>(Lengths)
    step = Range(zero, longest, one)
    step_across = Unsqueeze(step, first)
    lengths_down = Unsqueeze(Lengths, second)
    inside = Less(step_across, lengths_down)
    inside_deep = Unsqueeze(inside, third)
    starts_down = Unsqueeze(starts, second)
    forward_place = Add(starts_down, step_across)
    place = Min(forward_place, last_row)
"""


def _define(name: str, inputs: Sequence[str], outputs: Sequence[str], body: str, opset: int) -> onnx.FunctionProto:
    head = f'<opset_import: ["": {opset}], domain: "{DOMAIN}">'
    return onnx.parser.parse_function(
        f"{head} {name} ({', '.join(inputs)}) => ({', '.join(outputs)}) {{ {_CONSTANTS} {body} }}"
    )


def _reduce(kind: str, value: str, axis: str, opset: int) -> str:
    """Return a call of ReduceMax and its like: their axes are an attribute until opset 17, an input since."""
    numbers = {"first": 0, "second": 1}
    return (
        f"{kind}<keepdims = 0>({value}, {axis})"
        if opset >= 18
        else f"{kind}<keepdims = 0, axes = [{numbers[axis]}]>({value})"
    )


def _sequence_pool(name: str, inputs: Sequence[str], attrs: Mapping[str, Any], opset: int) -> onnx.FunctionProto:
    """One row of each sequence: sum, average, sum / sqrt(length), largest, first or last; `pad_value` of an empty one."""
    summed = """
        count = Shape(Lengths)
        count_scalar = Squeeze(count, first)
        number = Range(zero, count_scalar, one)
        number_down = Unsqueeze(number, second)
        sequence_across = Unsqueeze(sequence, first)
        member_truth = Equal(number_down, sequence_across)
        member = CastLike(member_truth, X)
        total = MatMul(member, X)
        size_integer = Unsqueeze(Lengths, second)
        size = CastLike(size_integer, X)
    """
    largest = f"""{_STEPS}
        lowest = Constant<value = float {{-3.4028234663852886e38}}>()
        floor = CastLike(lowest, X)
        padded = Gather(X, place)
        masked = Where(inside_deep, padded, floor)
        pooled = {_reduce("ReduceMax", "masked", "second", opset)}
    """
    bodies = {
        "SUM": f"{summed} pooled = Identity(total)",
        "AVERAGE": f"{summed} pooled = Div(total, size)",
        "SQRT": f"{summed} root = Sqrt(size) pooled = Div(total, root)",
        "MAX": largest,
        "FIRST": "at = Min(starts, last_row) pooled = Gather(X, at)",
        "LAST": "before_end = Sub(ends, one) at = Max(before_end, zero) pooled = Gather(X, at)",
    }
    body = f"""{_PLACES} {bodies[attrs["pooltype"].upper()]}
        empty = Equal(Lengths, zero)
        empty_down = Unsqueeze(empty, second)
        pad_float = Constant<value = float {{{float(attrs.get("pad_value", 0.0))}}}>()
        pad = CastLike(pad_float, X)
        Out = Where(empty_down, pad, pooled)
    """
    return _define(name, inputs, ["Out"], body, opset)


def _sequence_softmax(name: str, inputs: Sequence[str], attrs: Mapping[str, Any], opset: int) -> onnx.FunctionProto:
    """The softmax of each sequence of numbers [T, 1]."""
    body = f"""{_PLACES} {_STEPS}
        lowest = Constant<value = float {{-3.4028234663852886e38}}>()
        floor = CastLike(lowest, X)
        padded = Gather(X, place)
        masked = Where(inside_deep, padded, floor)
        weights = Softmax<axis = 1>(masked)
        offset = Sub(row, start)
        sequence_down = Unsqueeze(sequence, second)
        offset_down = Unsqueeze(offset, second)
        where = Concat<axis = 1>(sequence_down, offset_down)
        Out = GatherND(weights, where)
    """
    return _define(name, inputs, ["Out"], body, opset)


def _sequence_conv(name: str, inputs: Sequence[str], attrs: Mapping[str, Any], opset: int) -> onnx.FunctionProto:
    """Each row beside its neighbours of the same sequence, zeros beyond its ends, times the filter."""
    if attrs.get("paddingTrainable"):
        raise DataError("operator 'sequence_conv' with trained padding cannot be converted")
    parts = []
    for index in range(attrs["contextLength"]):
        parts.append(f"""
            shift_{index} = Constant<value = int64 {{{attrs["contextStart"] + index}}}>()
            place_{index} = Add(row, shift_{index})
            after_{index} = GreaterOrEqual(place_{index}, start)
            before_{index} = Less(place_{index}, end)
            within_{index} = And(after_{index}, before_{index})
            within_down_{index} = Unsqueeze(within_{index}, second)
            low_{index} = Max(place_{index}, zero)
            at_{index} = Min(low_{index}, last_row)
            near_{index} = Gather(X, at_{index})
            part_{index} = Where(within_down_{index}, near_{index}, nothing)
        """)
    names = ", ".join(f"part_{index}" for index in range(attrs["contextLength"]))
    body = f"""{_PLACES}
        nothing_float = Constant<value = float {{0}}>()
        nothing = CastLike(nothing_float, X)
        {"".join(parts)}
        context = Concat<axis = 1>({names})
        Out = MatMul(context, Filter)
    """
    return _define(name, inputs, ["Out"], body, opset)


def _sequence_expand(name: str, inputs: Sequence[str], attrs: Mapping[str, Any], opset: int) -> onnx.FunctionProto:
    """Each row as often as the sequence of the same number is long."""
    return _define(name, inputs, ["Out"], f"{_PLACES} Out = Gather(X, sequence)", opset)


def _sequence_reverse(name: str, inputs: Sequence[str], attrs: Mapping[str, Any], opset: int) -> onnx.FunctionProto:
    body = f"{_PLACES} both = Add(start, end) mirror = Sub(both, row) place = Sub(mirror, one) Y = Gather(X, place)"
    return _define(name, inputs, ["Y"], body, opset)


def _sequence_pad(name: str, inputs: Sequence[str], attrs: Mapping[str, Any], opset: int) -> onnx.FunctionProto:
    """The sequences side by side [B, M, D], filled up to the longest."""
    if attrs.get("padded_length", -1) > 0:
        raise DataError(
            "operator 'sequence_pad' to a fixed length cannot be converted (pad to the longest: maxlen=None)"
        )
    body = f"""{_PLACES} {_STEPS}
        padded = Gather(X, place)
        Out = Where(inside_deep, padded, PadValue)
        Length = Identity(Lengths)
    """
    return _define(name, inputs, ["Out", "Length"], body, opset)


def _sequence_unpad(name: str, inputs: Sequence[str], attrs: Mapping[str, Any], opset: int) -> onnx.FunctionProto:
    """The rows of padded sequences [B, M, D] that are no padding."""
    body = """
        shape = Shape(X)
        steps = Gather(shape, one)
        step = Range(zero, steps, one)
        step_across = Unsqueeze(step, first)
        lengths_down = Unsqueeze(Lengths, second)
        inside = Less(step_across, lengths_down)
        where_across = NonZero(inside)
        where = Transpose(where_across)
        Out = GatherND(X, where)
    """
    return _define(name, inputs, ["Out"], body, opset)


def _lstm(name: str, inputs: Sequence[str], attrs: Mapping[str, Any], opset: int) -> onnx.FunctionProto:
    """Input [T, 4H] and Weight [H, 4H] for candidate, input, forget and output gate; Bias with peepholes behind."""
    peep = bool(attrs.get("use_peepholes"))
    act, cell, gate = (_ACTIVATIONS[attrs[f"{which}_activation"]] for which in ("candidate", "cell", "gate"))
    step = f"""
        recurrent = MatMul(h, Weight)
        sum = Add(x, recurrent)
        gates = Add(sum, gate_bias)
        g_sum, i_sum, f_sum, o_sum = {_split("gates", 4, opset)}
        {"i_peep = Mul(c, check_i) i_all = Add(i_sum, i_peep)" if peep else "i_all = Identity(i_sum)"}
        {"f_peep = Mul(c, check_f) f_all = Add(f_sum, f_peep)" if peep else "f_all = Identity(f_sum)"}
        g = {act}(g_sum) i = {gate}(i_all) f = {gate}(f_all)
        kept = Mul(f, c) fresh = Mul(i, g) c_new = Add(kept, fresh)
        {"o_peep = Mul(c_new, check_o) o_all = Add(o_sum, o_peep)" if peep else "o_all = Identity(o_sum)"}
        o = {gate}(o_all) c_shown = {cell}(c_new) h_new = Mul(o, c_shown)
    """
    parts = "gate_bias, check_i, check_f, check_o" if peep else "gate_bias"
    sizes = "four, size, size, size" if peep else "four"
    before = f"""
        weight_shape = Shape(Weight)
        size = Gather(weight_shape, first)
        four = Gather(weight_shape, second)
        bias_sizes = Concat<axis = 0>({sizes})
        {parts} = Split<axis = 1>(Bias, bias_sizes)
    """
    begins = {"h": "H0" if "H0" in inputs else "zeros", "c": "C0" if "C0" in inputs else "zeros"}
    body = before + _recurrence(begins, step, bool(attrs.get("is_reverse")))
    return _define(name, inputs, ["Hidden", "Cell"], f"{body} Hidden = Identity(all_h) Cell = Identity(all_c)", opset)


def _gru(name: str, inputs: Sequence[str], attrs: Mapping[str, Any], opset: int) -> onnx.FunctionProto:
    """Input [T, 3H] for update and reset gate and candidate; Weight is that of both gates [H, 2H], then [H, H]."""
    act, gate = (_ACTIVATIONS[attrs[which]] for which in ("activation", "gate_activation"))
    mix = "u_old = Mul(u, h) rest = Sub(h_one, u) c_part = Mul(rest, c_new)"
    if not attrs.get("origin_mode"):
        mix = "c_part = Mul(u, c_new) rest = Sub(h_one, u) u_old = Mul(rest, h)"
    step = f"""
        x_gates, x_new = Split<axis = 1>(x, x_sizes)
        recurrent = MatMul(h, gate_weight)
        gates_sum = Add(x_gates, recurrent)
        gates = {gate}(gates_sum)
        u, r = {_split("gates", 2, opset)}
        reset = Mul(r, h)
        reset_product = MatMul(reset, new_weight)
        new_sum = Add(x_new, reset_product)
        c_new = {act}(new_sum)
        {mix}
        h_new = Add(u_old, c_part)
    """
    before = f"""
        weight_shape = Shape(Weight)
        size = Gather(weight_shape, first)
        two = Add(size, size)
        x_sizes = Concat<axis = 0>(two, size)
        gates_area = Mul(two, size) new_area = Mul(size, size)
        areas = Concat<axis = 0>(gates_area, new_area)
        all_flat = Constant<value = int64[1] {{-1}}>()
        flat = Reshape(Weight, all_flat)
        gate_flat, new_flat = Split<axis = 0>(flat, areas)
        gate_shape = Concat<axis = 0>(size, two) new_shape = Concat<axis = 0>(size, size)
        gate_weight = Reshape(gate_flat, gate_shape) new_weight = Reshape(new_flat, new_shape)
        one_float = Constant<value = float {{1}}>()
        h_one = CastLike(one_float, Input)
        {"biased = Add(Input, Bias)" if "Bias" in inputs else "biased = Identity(Input)"}
    """
    begins = {"h": "H0" if "H0" in inputs else "zeros"}
    body = before + _recurrence(begins, step, bool(attrs.get("is_reverse")), data="biased")
    return _define(name, inputs, ["Hidden"], f"{body} Hidden = Identity(all_h)", opset)


def _crf_decoding(name: str, inputs: Sequence[str], attrs: Mapping[str, Any], opset: int) -> onnx.FunctionProto:
    """The likeliest tags [T, 1] by Viterbi; Transition is [2 + D, D]: start and end weights, then from tag to tag."""
    if "Label" in inputs:
        raise DataError(
            "operator 'crf_decoding' with labels, which counts errors, cannot be converted (save it without)"
        )
    forward = f"""
        score_down = Unsqueeze(score, third)
        from_to = Add(score_down, between)
        best = {_reduce("ReduceMax", "from_to", "second", opset)}
        origin = ArgMax<axis = 1, keepdims = 0>(from_to)
        going = Add(best, x) beginning = Add(starting, x)
        moved = Where(is_begin, beginning, going)
        score_next = Where(on, moved, score)
        not_begin = Not(is_begin) moving = And(on, not_begin)
        origin_out = Where(moving, origin, same)
    """
    backward = """
        tag_out = Identity(tag)
        tag_down = Unsqueeze(tag, second)
        before = GatherElements<axis = 1>(origins, tag_down)
        tag_next = Squeeze(before, second)
    """
    body = f"""{_PLACES} {_STEPS}
        transition_shape = Shape(Transition)
        tags = Gather(transition_shape, second)
        sizes = Concat<axis = 0>(second, second, tags)
        starting, ending, between = Split<axis = 0>(Transition, sizes)
        padded = Gather(Emission, place)
        by_step = Transpose<perm = [1, 0, 2]>(padded)
        live_across = Transpose<perm = [1, 0]>(inside)
        live = Unsqueeze(live_across, third)
        begins_flat = Equal(step, zero)
        begins_down = Unsqueeze(begins_flat, second)
        begins = Unsqueeze(begins_down, third)
        tag_count = Squeeze(tags, first)
        same = Range(zero, tag_count, one)
        count = Shape(Lengths)
        score_shape = Concat<axis = 0>(count, tags)
        zero_float = Constant<value = float {{0}}>()
        zero_like = CastLike(zero_float, Emission)
        zeros = Expand(zero_like, score_shape)
        last_score, origins_by_step = Scan<num_scan_inputs = 3, body = forward
            (score, x, on, is_begin) => (score_next, origin_out) {{ {forward} }}>(zeros, by_step, live, begins)
        final = Add(last_score, ending)
        last_tag = ArgMax<axis = 1, keepdims = 0>(final)
        first_tag, tags_by_step = Scan<num_scan_inputs = 1, scan_input_directions = [1], scan_output_directions = [1],
            body = backward (tag, origins) => (tag_next, tag_out) {{ {backward} }}>(last_tag, origins_by_step)
        offset = Sub(row, start)
        offset_down = Unsqueeze(offset, second)
        sequence_down = Unsqueeze(sequence, second)
        where = Concat<axis = 1>(offset_down, sequence_down)
        path = GatherND(tags_by_step, where)
        ViterbiPath = Unsqueeze(path, second)
    """
    return _define(name, inputs, ["ViterbiPath"], body, opset)


def _recurrence(states: Mapping[str, str], step: str, is_reverse: bool, data: str = "Input") -> str:
    """Return a Scan of `step` over the steps of all sequences, each state beginning as said, or at `zeros` [B, size].

    `step` makes STATE_new of every STATE and of x, the rows of a step; all_STATE [T, size] are the states of all rows.
    """
    before = ", ".join(states)
    after = ", ".join([f"{state}_next" for state in states] + [f"{state}_out" for state in states])
    results = ", ".join([f"last_{state}" for state in states] + [f"steps_{state}" for state in states])
    kept = " ".join(f"{s}_next = Where(on, {s}_new, {s}) {s}_out = Identity({s}_next)" for s in states)
    place, offset = "step_place = Identity(place)", "offset = Sub(row, start)"
    if is_reverse:
        place = """
            ends_down = Unsqueeze(ends, second)
            last_places = Sub(ends_down, one)
            back_place = Sub(last_places, step_across)
            step_place = Max(back_place, zero)
        """
        offset = "to_end = Sub(end, row) offset = Sub(to_end, one)"
    return f"""{_PLACES} {_STEPS} {place}
        padded = Gather({data}, step_place)
        by_step = Transpose<perm = [1, 0, 2]>(padded)
        live_across = Transpose<perm = [1, 0]>(inside)
        live = Unsqueeze(live_across, third)
        count = Shape(Lengths)
        state_shape = Concat<axis = 0>(count, size)
        zero_float = Constant<value = float {{0}}>()
        zero_like = CastLike(zero_float, Input)
        zeros = Expand(zero_like, state_shape)
        {results} = Scan<num_scan_inputs = 2, body = each_step ({before}, x, on) => ({after}) {{ {step} {kept} }}>(
            {", ".join(states.values())}, by_step, live)
        {offset}
        offset_down = Unsqueeze(offset, second)
        sequence_down = Unsqueeze(sequence, second)
        where = Concat<axis = 1>(offset_down, sequence_down)
        {" ".join(f"all_{state} = GatherND(steps_{state}, where)" for state in states)}
    """


_ACTIVATIONS = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "identity": "Identity"}


def _split(value: str, parts: int, opset: int) -> str:
    return f"Split<axis = 1, num_outputs = {parts}>({value})" if opset >= 18 else f"Split<axis = 1>({value})"


FUNCTIONS: Mapping[str, Make] = {
    "crf_decoding": _crf_decoding,
    "gru": _gru,
    "lstm": _lstm,
    "sequence_conv": _sequence_conv,
    "sequence_expand": _sequence_expand,
    "sequence_expand_as": _sequence_expand,
    "sequence_pad": _sequence_pad,
    "sequence_pool": _sequence_pool,
    "sequence_reverse": _sequence_reverse,
    "sequence_softmax": _sequence_softmax,
    "sequence_unpad": _sequence_unpad,
}
