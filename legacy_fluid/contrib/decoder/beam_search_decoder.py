"""`fluid.contrib.decoder.beam_search_decoder`: a recurrent cell, and loops that train it and that search with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from ... import core, layers, unique_name
from ...framework import Variable
from ...layer_helper import LayerHelper
from ...wrapped_decorator import signature_safe_contextmanager

__all__ = ["BeamSearchDecoder", "InitState", "StateCell", "TrainingDecoder"]


class InitState:
    """What a state holds before the first step.

    Args:
        init: a Variable; where None, a constant `value` of `shape`, with the batch size of `init_boot`.
        need_reorder: put sequences in the order in which DynamicRNN takes them, which a batch needs.

    Raises:
        ValueError: neither `init` nor `init_boot` is given.
    """

    def __init__(
        self,
        init: Any = None,
        shape: Any = None,
        value: float = 0.0,
        init_boot: Any = None,
        need_reorder: bool = False,
        dtype: Any = "float32",
    ) -> None:
        if init is None and init_boot is None:
            raise ValueError("InitState takes its batch size from init or from init_boot: give one of them")
        if init is None:
            init = layers.fill_constant_batch_size_like(input=init_boot, value=value, shape=shape, dtype=dtype)
        self._init = init
        self._need_reorder = need_reorder

    @property
    def value(self) -> Any:
        return self._init

    @property
    def need_reorder(self) -> bool:
        return self._need_reorder


class _MemoryState:
    """A state of a TrainingDecoder: a memory of its DynamicRNN."""

    def __init__(self, decoder: TrainingDecoder, init_state: InitState) -> None:
        self._rnn = decoder.dynamic_rnn
        self._memory = self._rnn.memory(init=init_state.value, need_reorder=init_state.need_reorder)

    def get_state(self) -> Any:
        return self._memory

    def update_state(self, state: Any) -> None:
        self._rnn.update_memory(self._memory, state)


class _ArrayState:
    """A state of a BeamSearchDecoder: an array with an element for each step."""

    def __init__(self, decoder: BeamSearchDecoder, init_state: InitState) -> None:
        block = decoder._parent_block()
        self._array = block.create_var(
            name=unique_name.generate("array_state_array"),
            type=core.VarDesc.VarType.LOD_TENSOR_ARRAY,
            dtype=init_state.value.dtype,
        )
        self._counter = block.create_var(
            name=unique_name.generate("array_state_counter"), type=core.VarDesc.VarType.LOD_TENSOR, dtype="int64"
        )
        attrs = {"shape": [1], "dtype": self._counter.dtype, "value": 0.0, "force_cpu": True}
        block.append_op(type="fill_constant", inputs={}, outputs={"Out": [self._counter]}, attrs=attrs)
        self._counter.stop_gradient = True
        inputs = {"X": init_state.value, "I": self._counter}
        block.append_op(type="write_to_array", inputs=inputs, outputs={"Out": self._array})

    def get_state(self) -> Any:
        return layers.array_read(array=self._array, i=self._counter)

    def update_state(self, state: Any) -> None:
        layers.increment(x=self._counter, value=1, in_place=True)
        layers.array_write(state, array=self._array, i=self._counter)


class StateCell:
    """A recurrent cell: inputs, states, and a function that computes the next states.

    Args:
        inputs: name -> Variable, or None for what `compute_state` gives.
        states: name -> InitState.
        out_state: name of the state that scores are computed from.

    Raises:
        ValueError: a state is no InitState, or `out_state` is none of them.
    """

    def __init__(
        self, inputs: dict[str, Any], states: dict[str, InitState], out_state: str, name: str | None = None
    ) -> None:
        self._helper = LayerHelper("state_cell", name=name)
        for state_name, state in states.items():
            if not isinstance(state, InitState):
                raise ValueError(f"state {state_name!r} is an InitState, not {state!r}")
        if out_state not in states:
            raise ValueError(f"out_state is one of {', '.join(states)}, not {out_state!r}")
        self._inputs = inputs
        self._state_names = list(states)
        self._cur_states: dict[str, Any] = dict(states)
        self._out_state = out_state
        self._states_holder: dict[str, dict[int, Any]] = {}
        self._cur_decoder_obj: Any = None
        self._switched_decoder = False
        self._state_updater: Any = None

    def _enter_decoder(self, decoder: Any) -> None:
        if self._cur_decoder_obj is not None:
            raise ValueError("this StateCell is in a decoder already")
        self._cur_decoder_obj = decoder
        self._switched_decoder = False

    def _leave_decoder(self, decoder: Any) -> None:
        if self._cur_decoder_obj is not decoder:
            raise ValueError("this StateCell is not in the decoder that it is to leave")
        self._cur_decoder_obj = None
        self._switched_decoder = False

    def _switch_decoder(self) -> None:
        """Make the states those of the decoder, as late as in its block."""
        decoder = self._cur_decoder_obj
        for name in self._state_names:
            if name not in self._states_holder:
                state = self._cur_states[name]
                if not isinstance(state, InitState):
                    raise ValueError(f"state {name!r} is an InitState, not {state!r}")
                self._states_holder[name] = {id(decoder): decoder.state_type(decoder, state)}
            self._cur_states[name] = self._states_holder[name][id(decoder)].get_state()
        self._switched_decoder = True

    def _switch_once(self) -> None:
        if self._cur_decoder_obj is not None and not self._switched_decoder:
            self._switch_decoder()

    def get_state(self, state_name: str) -> Any:
        """Return a state's Variable. Raises ValueError where there is none of that name."""
        self._switch_once()
        if state_name not in self._cur_states:
            raise ValueError(f"there is no state {state_name!r}, only {', '.join(self._cur_states)}")
        return self._cur_states[state_name]

    def get_input(self, input_name: str) -> Any:
        """Return an input's Variable. Raises ValueError where it was not given."""
        if self._inputs.get(input_name) is None:
            raise ValueError(f"there is no input {input_name!r} yet")
        return self._inputs[input_name]

    def set_state(self, state_name: str, state_value: Any) -> None:
        """Set a state, inside the updater."""
        self._cur_states[state_name] = state_value

    def state_updater(self, updater: Callable[[StateCell], None]) -> Callable[[StateCell], None]:
        """Decorate the function that computes the next states of the cell that it is given."""
        self._state_updater = updater

        def update_another(state_cell: StateCell) -> None:
            if state_cell is self:
                raise TypeError("compute_state calls the updater of this StateCell")
            updater(state_cell)

        return update_another

    def compute_state(self, inputs: dict[str, Any]) -> None:
        """Give inputs and run the updater. Raises ValueError for an input of another name."""
        self._switch_once()
        for name, value in inputs.items():
            if name not in self._inputs:
                raise ValueError(f"there is no input {name!r}, only {', '.join(self._inputs)}")
            self._inputs[name] = value
        self._state_updater(self)

    def update_states(self) -> None:
        """Keep the states for the next step."""
        self._switch_once()
        for name, states in self._states_holder.items():
            if id(self._cur_decoder_obj) not in states:
                raise ValueError(f"state {name!r} belongs to another decoder")
            states[id(self._cur_decoder_obj)].update_state(self._cur_states[name])

    def out_state(self) -> Any:
        """Return the state that scores are computed from."""
        return self._cur_states[self._out_state]


class _Decoder:
    """A block that is entered once."""

    _BEFORE, _IN, _AFTER = range(3)

    def _enter(self) -> None:
        if self._status != self._BEFORE:
            raise ValueError(f"the block of a {type(self).__name__} is entered once")
        self._status = self._IN

    def _leave(self) -> None:
        self._status = self._AFTER
        self._state_cell._leave_decoder(self)

    def _assert_in_decoder_block(self, method: str) -> None:
        if self._status != self._IN:
            raise ValueError(f"{type(self).__name__}.{method} belongs in the decoder's block")

    def _assert_left(self) -> None:
        if self._status != self._AFTER:
            raise ValueError(f"a {type(self).__name__} has a result after its block only")

    @property
    def state_cell(self) -> StateCell:
        self._assert_in_decoder_block("state_cell")
        return self._state_cell


class TrainingDecoder(_Decoder):
    """A DynamicRNN around a StateCell: each step is given the target's word."""

    BEFORE_DECODER, IN_DECODER, AFTER_DECODER = range(3)
    state_type = _MemoryState

    def __init__(self, state_cell: StateCell, name: str | None = None) -> None:
        self._helper = LayerHelper("training_decoder", name=name)
        self._status = self.BEFORE_DECODER
        self._dynamic_rnn = layers.DynamicRNN()
        self._type = 1
        self._state_cell = state_cell
        self._state_cell._enter_decoder(self)

    @signature_safe_contextmanager
    def block(self) -> Iterator[None]:
        """Hold the operators of one step."""
        self._enter()
        with self._dynamic_rnn.block():
            yield
        self._leave()

    @property
    def dynamic_rnn(self) -> Any:
        return self._dynamic_rnn

    @property
    def type(self) -> int:
        return self._type

    def step_input(self, x: Any) -> Any:
        """Return the part of a sequence that a step is given."""
        self._assert_in_decoder_block("step_input")
        return self._dynamic_rnn.step_input(x)

    def static_input(self, x: Any) -> Any:
        """Return what every step is given whole."""
        self._assert_in_decoder_block("static_input")
        return self._dynamic_rnn.static_input(x)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Return the outputs of all steps."""
        self._assert_left()
        return self._dynamic_rnn(*args, **kwargs)

    def output(self, *outputs: Any) -> None:
        """Say what a step gives."""
        self._assert_in_decoder_block("output")
        self._dynamic_rnn.output(*outputs)


class BeamSearchDecoder(_Decoder):
    """A beam search in which each step is given the words that the step before chose.

    Args:
        init_ids, init_scores: the first words and their scores, with two levels of lengths.
        target_dict_dim, word_dim: numbers of words, and of elements of a word's embedding.
        input_var_dict: input of the cell -> Variable that every step is given.
        topk_size: number of words that a step looks at.
        max_len: of a sentence.
        beam_size: number of sentences that are kept.
        end_id: the word that ends one.
    """

    BEFORE_BEAM_SEARCH_DECODER, IN_BEAM_SEARCH_DECODER, AFTER_BEAM_SEARCH_DECODER = range(3)
    state_type = _ArrayState

    def __init__(
        self,
        state_cell: StateCell,
        init_ids: Any,
        init_scores: Any,
        target_dict_dim: int,
        word_dim: int,
        input_var_dict: dict[str, Any] = {},  # noqa: B006  read only, and in the signature of 1.8.5
        topk_size: int = 50,
        sparse_emb: bool = True,
        max_len: int = 100,
        beam_size: int = 1,
        end_id: int = 1,
        name: str | None = None,
    ) -> None:
        self._helper = LayerHelper("beam_search_decoder", name=name)
        self._counter = layers.zeros(shape=[1], dtype="int64")
        self._counter.stop_gradient = True
        self._type = 2
        self._max_len = layers.fill_constant(shape=[1], dtype="int64", value=max_len)
        limit = layers.fill_constant(shape=[1], dtype="int64", value=max_len)
        self._cond = layers.less_than(x=self._counter, y=limit)
        self._while_op = layers.While(self._cond)
        self._state_cell = state_cell
        self._state_cell._enter_decoder(self)
        self._status = self.BEFORE_BEAM_SEARCH_DECODER
        self._zero_idx = layers.fill_constant(shape=[1], value=0, dtype="int64", force_cpu=True)
        self._array_dict: dict[str, Any] = {}
        self._array_link: list[tuple[Any, Any]] = []
        self._ids_array = self._scores_array = None
        self._beam_size, self._end_id = beam_size, end_id
        self._init_ids, self._init_scores = init_ids, init_scores
        self._target_dict_dim, self._word_dim = target_dict_dim, word_dim
        self._topk_size, self._sparse_emb = topk_size, sparse_emb
        self._input_var_dict = input_var_dict

    @signature_safe_contextmanager
    def block(self) -> Iterator[None]:
        """Hold the operators of one step."""
        self._enter()
        with self._while_op.block():
            yield
            with layers.Switch() as switch, switch.case(self._cond):
                layers.increment(x=self._counter, value=1.0, in_place=True)
                for value, array in self._array_link:
                    layers.array_write(x=value, i=self._counter, array=array)
                layers.less_than(x=self._counter, y=self._max_len, cond=self._cond)
        self._leave()

    @property
    def type(self) -> int:
        return self._type

    def early_stop(self) -> None:
        """Make this step the last."""
        layers.fill_constant(shape=[1], value=0, dtype="bool", force_cpu=True, out=self._cond)

    def decode(self) -> None:
        """Fill the block; a subclass may do it otherwise."""
        with self.block():
            prev_ids = self.read_array(init=self._init_ids, is_ids=True)
            prev_scores = self.read_array(init=self._init_scores, is_scores=True)
            size = [self._target_dict_dim, self._word_dim]
            word = layers.embedding(input=prev_ids, size=size, dtype="float32", is_sparse=self._sparse_emb)
            kept, fed = self._expand_inputs(prev_scores)
            cell = self.state_cell
            for name in cell._state_names:
                cell.set_state(name, layers.sequence_expand(cell.get_state(name), prev_scores))
            cell.compute_state(inputs={**dict.fromkeys(cell._inputs, word), **fed})
            selected_ids, selected_scores = self._select(cell.out_state(), prev_ids, prev_scores)
            with layers.Switch() as switch:
                with switch.case(layers.is_empty(selected_ids)):
                    self.early_stop()
                with switch.default():
                    cell.update_states()
                    self.update_array(prev_ids, selected_ids)
                    self.update_array(prev_scores, selected_scores)
                    for name, array in kept.items():
                        self.update_array(array, fed[name])

    def _expand_inputs(self, prev_scores: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Inputs as the step before kept them, and one for each sentence of this step."""
        kept, fed = {}, {}
        for name, init in self._input_var_dict.items():
            if name not in self.state_cell._inputs:
                raise ValueError(f"the StateCell has no input {name!r}, only {', '.join(self.state_cell._inputs)}")
            kept[name] = self.read_array(init=init)
            fed[name] = layers.sequence_expand(kept[name], prev_scores)
        return kept, fed

    def _select(self, state: Any, prev_ids: Any, prev_scores: Any) -> tuple[Any, Any]:
        """The words that this step chooses, and their sentences' scores."""
        state = layers.lod_reset(x=state, y=prev_scores)
        scores = layers.fc(input=state, size=self._target_dict_dim, act="softmax")
        top_scores, top_ids = layers.topk(scores, k=self._topk_size)
        before = layers.reshape(prev_scores, shape=[-1])
        sums = layers.elementwise_add(x=layers.log(x=top_scores), y=before, axis=0)
        return layers.beam_search(prev_ids, prev_scores, top_ids, sums, self._beam_size, end_id=1, level=0)

    def read_array(self, init: Any, is_ids: bool = False, is_scores: bool = False) -> Any:
        """Return what the step before kept; `init` in the first step. Ids and scores are told by the flags."""
        self._assert_in_decoder_block("read_array")
        if is_ids and is_scores:
            raise ValueError("an array holds ids or scores, not both")
        if not isinstance(init, Variable):
            raise TypeError(f"read_array: init is a Variable, not {init!r}")
        block = self._parent_block()
        array = block.create_var(
            name=unique_name.generate("beam_search_decoder_array"),
            type=core.VarDesc.VarType.LOD_TENSOR_ARRAY,
            dtype=init.dtype,
        )
        block.append_op(type="write_to_array", inputs={"X": init, "I": self._zero_idx}, outputs={"Out": array})
        if is_ids:
            self._ids_array = array
        elif is_scores:
            self._scores_array = array
        value = layers.array_read(array=array, i=self._counter)
        self._array_dict[value.name] = array
        return value

    def update_array(self, array: Any, value: Any) -> None:
        """Keep `value` for the next step; `array` is what `read_array` returned."""
        self._assert_in_decoder_block("update_array")
        for name, variable in (("array", array), ("value", value)):
            if not isinstance(variable, Variable):
                raise TypeError(f"update_array: {name} is a Variable, not {variable!r}")
        if array.name not in self._array_dict:
            raise ValueError(f"{array.name} was not read by read_array")
        self._array_link.append((value, self._array_dict[array.name]))

    def __call__(self) -> Any:
        """Return the words of the sentences found, and their scores."""
        self._assert_left()
        return layers.beam_search_decode(
            ids=self._ids_array, scores=self._scores_array, beam_size=self._beam_size, end_id=self._end_id
        )

    def _parent_block(self) -> Any:
        program = self._helper.main_program
        parent = program.current_block().parent_idx
        if parent < 0:
            raise ValueError("a BeamSearchDecoder's states are made in its block")
        return program.block(parent)
