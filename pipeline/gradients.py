"""What is done to the gradients before the optimizer sees them: limits on them, and penalties on the parameters.

As in fluid: the limits come first, and a parameter with a penalty of its own does not have that of all.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from fluidline.errors import UsageError, closest
from pipeline.settings import NONE, Setting

if TYPE_CHECKING:
    from pipeline.config import TrainConfig

CLIPS = {"value": "GradientClipByValue", "norm": "GradientClipByNorm", "global_norm": "GradientClipByGlobalNorm"}
PENALTIES = {"l1": "L1Decay", "l2": "L2Decay"}

Penalty = dict[str, float]  # the coefficients by name


def parse_clip(text: str) -> tuple[str, float] | None:
    """Return kind and amount in `kind=amount`, None for 'none'. Raises UsageError that names what is wrong."""
    if text == NONE:
        return None
    kind, _, amount = text.partition("=")
    if kind not in CLIPS:
        raise UsageError(f"no such clip: '{kind}'{closest(kind, [*CLIPS, NONE])}")
    return kind, Setting(above=0).read(f"clip's {kind}", amount)


def parse_penalty(text: str) -> list[tuple[str, str, float]]:
    """Return name pattern, penalty and coefficient of each part of `pattern:l2=0.001,pattern:l1=0.0001`.

    None for 'none'. Raises UsageError that names what is wrong.
    """
    rules = []
    for part in text.split(",") if text != NONE else ():
        pattern, _, penalty = part.strip().partition(":")
        kind, _, coefficient = penalty.partition("=")
        if kind not in PENALTIES:
            raise UsageError(f"penalty '{part}' is neither l1 nor l2 (as in fc_0.w_0:l2=0.001)")
        rules.append((pattern, kind, Setting(least=0).read(f"penalty of {pattern}", coefficient)))
    return rules


def prepare_gradients(program: Any, config: TrainConfig) -> None:
    """Tell the optimizers to come what to do to the gradients of the program's parameters; to be called within its guard.

    Raises UsageError for a penalty on names that no parameter has.
    """
    import legacy_fluid as fluid

    trained = [parameter for parameter in program.all_parameters() if parameter.trainable]
    own = penalties_by_name(config.penalty, [parameter.name for parameter in trained])
    of_all = {"l1": config.l1, "l2": config.l2}
    for parameter in trained:
        if parameter.name in own or parameter.regularizer is None:  # a user's graph may have given it one
            parameter.regularizer = _regularizer(own.get(parameter.name, of_all))
    if clip := parse_clip(config.clip):
        kind, amount = clip
        fluid.clip.set_gradient_clip(getattr(fluid.clip, CLIPS[kind])(amount), program=program)


def penalties_by_name(text: str, names: list[str]) -> dict[str, Penalty]:
    """Return the penalties of the parameters that a pattern in `text` matches; the later of two patterns decides.

    Raises UsageError for a pattern that matches none of `names`.
    """
    penalties: dict[str, Penalty] = {}
    for pattern, kind, coefficient in parse_penalty(text):
        matching = [name for name in names if fnmatchcase(name, pattern)]
        if not matching:
            raise UsageError(f"penalty '{pattern}' matches no parameter (there are: {', '.join(names)})")
        for name in matching:
            penalties.setdefault(name, {})[kind] = coefficient
    return penalties


def _regularizer(penalty: Penalty) -> Any:
    """Return fluid's regularizer for the coefficients above 0, None where there are none."""
    import legacy_fluid as fluid

    parts = [getattr(fluid.regularizer, PENALTIES[kind])(amount) for kind, amount in penalty.items() if amount]
    return _Sum(parts) if len(parts) > 1 else parts[0] if parts else None


class _Sum:
    """Several of fluid's regularizers on one parameter, which it has no name for."""

    def __init__(self, parts: list[Any]) -> None:
        self.parts = parts

    def __call__(self, parameter: Any, gradient: Any, block: Any) -> Any:
        decays = [part(parameter, gradient, block) for part in self.parts]
        total = block.create_var(dtype=parameter.dtype, shape=parameter.shape)
        block.append_op(type="sum", inputs={"X": decays}, outputs={"Out": [total]})
        return total
