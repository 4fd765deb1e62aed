"""Decoding: what a cell predicts becomes its next input, until all sequences have ended."""

from __future__ import annotations

from collections import namedtuple
from contextlib import suppress
from typing import Any

import numpy as np

from ...data_feeder import check_type, convert_dtype
from ...framework import Variable, default_main_program
from .. import control_flow, nn, tensor
from ..utils import flatten, map_structure
from .cells import transpose_batch_time

__all__ = [
    "BasicDecoder",
    "BeamSearchDecoder",
    "DecodeHelper",
    "Decoder",
    "GreedyEmbeddingHelper",
    "SampleEmbeddingHelper",
    "TrainingHelper",
    "dynamic_decode",
]


class Decoder:
    """Base of what `dynamic_decode` runs."""

    def initialize(self, inits: Any) -> tuple[Any, Any, Any]:
        """Return the first inputs, the first states, and which sequences have ended already."""
        raise NotImplementedError

    def step(self, time: Any, inputs: Any, states: Any, **kwargs: Any) -> tuple[Any, Any, Any, Any]:
        """Return the step's outputs, the next states, the next inputs, and which sequences have ended."""
        raise NotImplementedError

    def finalize(self, outputs: Any, final_states: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        """Return the outputs and states that decoding ends with."""
        raise NotImplementedError


class BeamSearchDecoder(Decoder):
    """Keep the likeliest `beam_size` sequences.

    Args:
        cell: RNNCell; its outputs are scores of the words, [N, V], or `output_fn` makes them so.
        start_token, end_token: numbers of the words that begin and end a sequence.
        embedding_fn: makes inputs of words.
    """

    OutputWrapper = namedtuple("OutputWrapper", ("scores", "predicted_ids", "parent_ids"))
    StateWrapper = namedtuple("StateWrapper", ("cell_states", "log_probs", "finished", "lengths"))

    def __init__(
        self,
        cell: Any,
        start_token: int,
        end_token: int,
        beam_size: int,
        embedding_fn: Any = None,
        output_fn: Any = None,
    ) -> None:
        self.cell = cell
        self.embedding_fn = embedding_fn
        self.output_fn = output_fn
        self.start_token = start_token
        self.end_token = end_token
        self.beam_size = beam_size

    @staticmethod
    def tile_beam_merge_with_batch(x: Any, beam_size: int) -> Any:
        """Return x [N, ...] with each row `beam_size` times, [N beam_size, ...]."""
        check_type(x, "x", Variable, "BeamSearchDecoder.tile_beam_merge_with_batch")
        x = _repeat(x, beam_size)
        rank = len(x.shape)
        # By way of the end: a reshape there leaves all other sizes as they are, whether known or not.
        x = nn.transpose(x, [*range(2, rank), 0, 1])
        x = nn.reshape(x, shape=[*[0] * (rank - 2), -1])
        return nn.transpose(x, [rank - 2, *range(rank - 2)])

    def _split_batch_beams(self, x: Any) -> Any:
        return nn.reshape(x, shape=(-1, self.beam_size, *x.shape[1:]))

    def _merge_batch_beams(self, x: Any) -> Any:
        return nn.reshape(x, shape=(-1, *x.shape[2:]))

    def _expand_to_beam_size(self, x: Any) -> Any:
        check_type(x, "x", Variable, "BeamSearchDecoder._expand_to_beam_size")
        return _repeat(x, self.beam_size)

    def _mask_probs(self, probs: Any, finished: Any) -> Any:
        """Let a sequence that has ended continue with its end alone, at no cost."""
        finished = tensor.cast(finished, dtype=probs.dtype)
        ended = nn.expand(nn.unsqueeze(finished, [2]), [1, 1, self.vocab_size])
        return nn.elementwise_mul(ended, self.noend_mask_tensor, axis=-1) - nn.elementwise_mul(
            probs, (finished - 1), axis=0
        )

    def _gather(self, x: Any, indices: Any, batch_size: Any) -> Any:
        """Return x[i, indices[i]] for each i of the batch."""
        if batch_size.dtype != indices.dtype:
            batch_size = tensor.cast(batch_size, indices.dtype)
        batch_size.stop_gradient = True
        rows = tensor.range(0, batch_size, 1, dtype=indices.dtype)
        rows = nn.expand(nn.unsqueeze(rows, [1]), [1, self.beam_size])
        places = nn.stack([rows, indices], axis=2)
        places.stop_gradient = True
        return nn.gather_nd(x, places)

    def initialize(self, initial_cell_states: Any) -> tuple[Any, Any, Any]:
        self.kinf = 1e9
        state = flatten(initial_cell_states)[0]
        self.batch_size = nn.shape(state)[0]
        self.start_token_tensor = tensor.fill_constant(shape=[1], dtype="int64", value=self.start_token)
        self.end_token_tensor = tensor.fill_constant(shape=[1], dtype="int64", value=self.end_token)
        cell_states = map_structure(self._expand_to_beam_size, initial_cell_states)
        inputs = nn.expand(self.start_token_tensor, [self.batch_size])
        inputs = nn.expand(nn.unsqueeze(inputs, [1]), [1, self.beam_size])
        # All beams are alike at first: only the first one counts.
        first = np.array([[0.0] + [-self.kinf] * (self.beam_size - 1)], dtype="float32")
        log_probs = nn.expand(tensor.assign(first), [self.batch_size, 1])
        finished = tensor.fill_constant_batch_size_like(
            input=state, shape=[-1, self.beam_size], dtype="bool", value=False, force_cpu=True
        )
        lengths = tensor.zeros_like(inputs)
        inputs = self.embedding_fn(inputs) if self.embedding_fn else inputs
        return inputs, self.StateWrapper(cell_states, log_probs, finished, lengths), finished

    def _beam_search_step(self, time: Any, logits: Any, next_cell_states: Any, beam_state: Any) -> tuple[Any, Any]:
        self.vocab_size = logits.shape[-1]
        self.vocab_size_tensor = tensor.fill_constant(shape=[1], dtype="int64", value=self.vocab_size)
        only_end = [-self.kinf] * self.vocab_size
        only_end[self.end_token] = 0
        self.noend_mask_tensor = tensor.assign(np.array(only_end, "float32"))

        step_log_probs = self._mask_probs(nn.log(nn.softmax(logits)), beam_state.finished)
        log_probs = nn.elementwise_add(x=step_log_probs, y=beam_state.log_probs, axis=0)
        log_probs = nn.reshape(log_probs, [-1, self.beam_size * self.vocab_size])
        scores, chosen = nn.topk(input=log_probs, k=self.beam_size)
        parents = nn.elementwise_floordiv(chosen, self.vocab_size_tensor)
        tokens = nn.elementwise_mod(chosen, self.vocab_size_tensor)
        next_log_probs = self._gather(log_probs, chosen, self.batch_size)
        next_cell_states = map_structure(lambda x: self._gather(x, parents, self.batch_size), next_cell_states)
        finished = self._gather(beam_state.finished, parents, self.batch_size)
        lengths = self._gather(beam_state.lengths, parents, self.batch_size)
        lengths = lengths + tensor.cast(nn.logical_not(finished), beam_state.lengths.dtype)
        finished = nn.logical_or(finished, control_flow.equal(tokens, self.end_token_tensor))
        return (
            self.OutputWrapper(scores, tokens, parents),
            self.StateWrapper(next_cell_states, next_log_probs, finished, lengths),
        )

    def step(self, time: Any, inputs: Any, states: Any, **kwargs: Any) -> tuple[Any, Any, Any, Any]:
        inputs = map_structure(self._merge_batch_beams, inputs)
        cell_states = map_structure(self._merge_batch_beams, states.cell_states)
        outputs, next_cell_states = self.cell(inputs, cell_states, **kwargs)
        outputs = map_structure(self._split_batch_beams, outputs)
        next_cell_states = map_structure(self._split_batch_beams, next_cell_states)
        if self.output_fn is not None:
            outputs = self.output_fn(outputs)
        found, state = self._beam_search_step(
            time=time, logits=outputs, next_cell_states=next_cell_states, beam_state=states
        )
        found.predicted_ids.stop_gradient = True
        next_inputs = self.embedding_fn(found.predicted_ids) if self.embedding_fn else found.predicted_ids
        return found, state, next_inputs, state.finished

    def finalize(self, outputs: Any, final_states: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        return nn.gather_tree(outputs.predicted_ids, outputs.parent_ids), final_states


def _repeat(x: Any, times: int) -> Any:
    """Return x [N, ...] as [N, times, ...]."""
    x = nn.unsqueeze(x, [1])
    return nn.expand(x, [1, times, *[1] * (len(x.shape) - 2)])


# --- the loop ---


def dynamic_decode(
    decoder: Any,
    inits: Any = None,
    max_step_num: int | None = None,
    output_time_major: bool = False,
    impute_finished: bool = False,
    is_test: bool = False,
    return_length: bool = False,
    **kwargs: Any,
) -> Any:
    """Return the outputs of all steps, [N, T, ...] or [T, N, ...], the last states and, if wanted, the lengths.

    Args:
        decoder: Decoder.
        inits: for its `initialize`.
        max_step_num: end after so many steps; when all sequences have ended where None.
        impute_finished: the states of a sequence that has ended stay as they are.
        is_test: keep no step but the last, since no gradient will be wanted.
        kwargs: for the decoder's steps.
    """
    global_inputs, global_states, global_finished = decoder.initialize(inits)
    global_finished.stop_gradient = True
    step_idx = tensor.fill_constant(shape=[1], dtype="int64", value=0)
    condition = nn.logical_not(nn.reduce_all(global_finished))
    if max_step_num is not None:
        max_step_num = tensor.fill_constant(shape=[1], dtype="int64", value=max_step_num)
    loop = control_flow.While(condition, is_test=is_test)
    lengths = tensor.cast(tensor.zeros_like(global_finished), "int64")
    lengths.stop_gradient = True
    if is_test:
        inputs, states = (map_structure(lambda x: x, part) for part in (global_inputs, global_states))
    else:
        # Each step's inputs and states are kept for the backward pass.
        inputs_arrays = map_structure(lambda x: control_flow.array_write(x, step_idx), global_inputs)
        states_arrays = map_structure(lambda x: control_flow.array_write(x, step_idx), global_states)

    def write(value: Any, array: Any) -> Any:
        return control_flow.array_write(value, i=step_idx, array=array)

    with loop.block():
        if not is_test:
            inputs = map_structure(lambda array: control_flow.array_read(array, step_idx), inputs_arrays)
            states = map_structure(lambda array: control_flow.array_read(array, step_idx), states_arrays)
        outputs, next_states, next_inputs, finished = decoder.step(step_idx, inputs, states, **kwargs)
        finished = nn.logical_or(finished, global_finished)
        next_lengths = nn.elementwise_add(lengths, tensor.cast(nn.logical_not(global_finished), lengths.dtype))
        if impute_finished:
            next_states = map_structure(lambda x, y: _unless_finished(x, y, global_finished), states, next_states)
        outputs_arrays = map_structure(lambda x: _array_outside(x.dtype), outputs)
        map_structure(write, outputs, outputs_arrays)
        control_flow.increment(x=step_idx, value=1.0, in_place=True)
        if is_test:
            map_structure(tensor.assign, next_inputs, global_inputs)
            map_structure(tensor.assign, next_states, global_states)
        else:
            map_structure(write, next_inputs, inputs_arrays)
            map_structure(write, next_states, states_arrays)
        tensor.assign(finished, global_finished)
        tensor.assign(next_lengths, lengths)
        if max_step_num is not None:
            goes_on = nn.logical_not(nn.reduce_all(global_finished))
            nn.logical_and(goes_on, control_flow.less_equal(step_idx, max_step_num), condition)
        else:
            nn.logical_not(nn.reduce_all(global_finished), condition)

    outputs = map_structure(
        lambda array: tensor.tensor_array_to_tensor(array, axis=0, use_stack=True)[0], outputs_arrays
    )
    if is_test:
        last = global_states
    else:
        last = map_structure(lambda array: control_flow.array_read(array, step_idx), states_arrays)
    with suppress(NotImplementedError):  # a decoder without an end of its own
        outputs, last = decoder.finalize(outputs, last, lengths)
    if not output_time_major:
        outputs = map_structure(transpose_batch_time, outputs)
    return (outputs, last, lengths) if return_length else (outputs, last)


def _unless_finished(state: Any, new_state: Any, finished: Any) -> Any:
    dtype = state.dtype
    is_bool = convert_dtype(dtype) == "bool"
    if is_bool:
        state, new_state = tensor.cast(state, dtype="float32"), tensor.cast(new_state, dtype="float32")
    if finished.dtype != state.dtype:
        finished = tensor.cast(finished, dtype=state.dtype)
        finished.stop_gradient = True
    kept = nn.elementwise_mul(state, finished, axis=0) - nn.elementwise_mul(new_state, (finished - 1), axis=0)
    return tensor.cast(kept, dtype=dtype) if is_bool else kept


def _array_outside(dtype: Any) -> Any:
    """Make an array in the block around the loop."""
    program = default_main_program()
    inside = program.current_block_idx
    program.current_block_idx = program.current_block().parent_idx
    array = control_flow.create_array(dtype)
    program.current_block_idx = inside
    return array


# --- where the next input comes from ---


class DecodeHelper:
    """Base: where a BasicDecoder's inputs come from."""

    def initialize(self) -> Any:
        """Return the first inputs, and which sequences have ended already."""

    def sample(self, time: Any, outputs: Any, states: Any) -> Any:
        """Return the words that the outputs choose."""

    def next_inputs(self, time: Any, outputs: Any, states: Any, sample_ids: Any) -> Any:
        """Return which sequences have ended, the next inputs and the next states."""


class TrainingHelper(DecodeHelper):
    """The inputs are given: the true sequences [N, T, ...], or [T, N, ...] where `time_major`."""

    def __init__(self, inputs: Any, sequence_length: Any, time_major: bool = False) -> None:
        self.inputs = inputs
        self.sequence_length = sequence_length
        self.time_major = time_major
        # A step more than there is, for the next input of the last.
        self.inputs_ = map_structure(self._one_more, inputs)

    def _one_more(self, x: Any) -> Any:
        after = [0, 1] if self.time_major else [0, 0, 0, 1]
        return nn.pad(x, paddings=after + [0, 0] * (len(x.shape) - len(after) // 2))

    def initialize(self) -> tuple[Any, Any]:
        zero = tensor.fill_constant(shape=[1], dtype=self.sequence_length.dtype, value=0)
        first = map_structure(lambda x: x[0] if self.time_major else x[:, 0], self.inputs)
        return first, control_flow.equal(self.sequence_length, zero)

    def sample(self, time: Any, outputs: Any, states: Any) -> Any:
        return tensor.argmax(outputs, axis=-1)

    def next_inputs(self, time: Any, outputs: Any, states: Any, sample_ids: Any) -> tuple[Any, Any, Any]:
        if convert_dtype(time.dtype) != "int32":
            time = tensor.cast(time, "int32")
        if self.sequence_length.dtype != time.dtype:
            self.sequence_length = tensor.cast(self.sequence_length, time.dtype)
        next_time = time + 1
        axes = [0 if self.time_major else 1]
        inputs = map_structure(
            lambda x: nn.squeeze(nn.slice(x, axes=axes, starts=[next_time], ends=[next_time + 1]), axes=axes),
            self.inputs_,
        )
        return control_flow.less_equal(self.sequence_length, next_time), inputs, states


class GreedyEmbeddingHelper(DecodeHelper):
    """The next input is the likeliest word.

    Args:
        embedding_fn: makes inputs of words.
        start_tokens: int64 [N].
        end_token: number of the word that ends a sequence.
    """

    def __init__(self, embedding_fn: Any, start_tokens: Any, end_token: int) -> None:
        self.embedding_fn = embedding_fn
        self.start_tokens = start_tokens
        self.end_token = tensor.fill_constant(shape=[1], dtype="int64", value=end_token)

    def initialize(self) -> tuple[Any, Any]:
        finished = tensor.fill_constant_batch_size_like(
            input=self.start_tokens, shape=[-1], dtype="bool", value=False, force_cpu=True
        )
        return self.embedding_fn(self.start_tokens), finished

    def sample(self, time: Any, outputs: Any, states: Any) -> Any:
        return tensor.argmax(outputs, axis=-1)

    def next_inputs(self, time: Any, outputs: Any, states: Any, sample_ids: Any) -> tuple[Any, Any, Any]:
        return control_flow.equal(sample_ids, self.end_token), self.embedding_fn(sample_ids), states


class SampleEmbeddingHelper(GreedyEmbeddingHelper):
    """The next input is a word drawn by its probability.

    Args:
        softmax_temperature: scores are divided by it; the higher, the more even the draw.
        seed: of the draw.
    """

    def __init__(
        self,
        embedding_fn: Any,
        start_tokens: Any,
        end_token: int,
        softmax_temperature: float | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(embedding_fn, start_tokens, end_token)
        self.softmax_temperature = (
            None
            if softmax_temperature is None
            else tensor.fill_constant(shape=[1], dtype="float32", value=softmax_temperature)
        )
        self.seed = seed

    def sample(self, time: Any, outputs: Any, states: Any) -> Any:
        scores = outputs if self.softmax_temperature is None else outputs / self.softmax_temperature
        probabilities = nn.softmax(scores)
        probabilities.stop_gradient = True
        return nn.sampling_id(probabilities, seed=self.seed or 0, dtype=self.start_tokens.dtype)


class BasicDecoder(Decoder):
    """Run a cell on the inputs that a DecodeHelper gives.

    Args:
        cell: RNNCell.
        helper: DecodeHelper.
        output_fn: applied to the cell's outputs.
    """

    OutputWrapper = namedtuple("OutputWrapper", ("cell_outputs", "sample_ids"))

    def __init__(self, cell: Any, helper: Any, output_fn: Any = None) -> None:
        self.cell = cell
        self.helper = helper
        self.output_fn = output_fn

    def initialize(self, initial_cell_states: Any) -> tuple[Any, Any, Any]:
        inputs, finished = self.helper.initialize()
        return inputs, initial_cell_states, finished

    def step(self, time: Any, inputs: Any, states: Any, **kwargs: Any) -> tuple[Any, Any, Any, Any]:
        outputs, next_states = self.cell(inputs, states, **kwargs)
        if self.output_fn is not None:
            outputs = self.output_fn(outputs)
        sample_ids = self.helper.sample(time=time, outputs=outputs, states=next_states)
        sample_ids.stop_gradient = True
        finished, next_inputs, next_states = self.helper.next_inputs(
            time=time, outputs=outputs, states=next_states, sample_ids=sample_ids
        )
        return self.OutputWrapper(outputs, sample_ids), next_states, next_inputs, finished
