"""How the parameters follow the loss: fluid's optimizers under its names, with its arguments as settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fluidline.errors import UsageError
from pipeline.gradients import prepare_gradients
from pipeline.settings import NONE, Setting, parse_choice, parse_settings

if TYPE_CHECKING:
    from pipeline.config import TrainConfig

MOMENTUM, NOISE = "momentum", "noise"


def _share(default: float) -> Setting:
    return Setting(least=0, below=1, default=default)


def _tiny(default: float) -> Setting:
    return Setting(above=0, default=default)


def _amount(default: float) -> Setting:
    return Setting(least=0, default=default)


_NO = Setting(bool, default=False)
_BETAS = {"beta1": _share(0.9), "beta2": _share(0.999)}


@dataclass(frozen=True)
class Optimizer:
    """A row of the table: fluid's class, the learning rate to try first, the arguments that are settings, and the decay.

    None leaves the decay to the recipe.
    """

    fluid: str
    learning_rate: float
    settings: Mapping[str, Setting] = field(default_factory=dict)
    decay: str | None = None


# The rates were chosen on 5,000 training images of MNIST held out, after three passes of mlp and two of softmax.
OPTIMIZERS = {
    "sgd": Optimizer("SGD", 0.1),
    "momentum": Optimizer("Momentum", 0.02, {MOMENTUM: _share(0.9), "use_nesterov": _NO}),
    "lars_momentum": Optimizer(
        "LarsMomentum", 3.0, {MOMENTUM: _share(0.9), "lars_coeff": _tiny(0.001), "lars_weight_decay": _amount(0.0005)}
    ),
    "adagrad": Optimizer("Adagrad", 0.03, {"epsilon": _tiny(1e-6), "initial_accumulator_value": _amount(0.0)}),
    "decayed_adagrad": Optimizer("DecayedAdagrad", 0.004, {"decay": _share(0.95), "epsilon": _tiny(1e-6)}),
    "adadelta": Optimizer("Adadelta", 1.0, {"epsilon": _tiny(1e-6), "rho": _share(0.95)}),
    "rmsprop": Optimizer(
        "RMSProp", 0.002, {"rho": _share(0.95), "epsilon": _tiny(1e-6), MOMENTUM: _share(0.0), "centered": _NO}
    ),
    "adam": Optimizer("Adam", 0.002, {**_BETAS, "epsilon": _tiny(1e-8)}),
    "adamax": Optimizer("Adamax", 0.005, {**_BETAS, "epsilon": _tiny(1e-8)}),
    "lamb": Optimizer("Lamb", 0.012, {"lamb_weight_decay": _amount(0.01), **_BETAS, "epsilon": _tiny(1e-6)}),
    # Without l2: 1.8 takes l1 in its stead too. It makes each parameter anew from all gradients times the rate of now,
    # so one that falls takes the parameters along.
    "ftrl": Optimizer("Ftrl", 0.03, {"l1": _amount(0.0), "lr_power": Setting(most=0, default=-0.5)}, "constant"),
    "dpsgd": Optimizer("Dpsgd", 0.3, {"clip": _tiny(0.9), "batch_size": _tiny(0.999), "sigma": _amount(1e-8)}),
}
_LOOKAHEAD = {"alpha": Setting(least=0, most=1, default=0.5), "k": Setting(int, least=1, default=5)}


def parse(text: str) -> tuple[str, dict[str, Any]]:
    """Return the optimizer in `name:key=value,...` and its settings. Raises UsageError that names what is wrong."""
    return parse_choice("optimizer", text, {name: row.settings for name, row in OPTIMIZERS.items()})


def settings_of(config: TrainConfig) -> tuple[str, dict[str, Any]]:
    """Return the configured optimizer's name and settings. Raises UsageError for a momentum that it has no use for."""
    name, settings = parse(config.optimizer)
    if config.momentum is not None:
        if MOMENTUM not in settings:
            users = ", ".join(other for other, row in OPTIMIZERS.items() if MOMENTUM in row.settings)
            raise UsageError(f"momentum is {config.momentum}, and the optimizer {name} has none (those with: {users})")
        settings[MOMENTUM] = config.momentum
    return name, settings


def parse_lookahead(text: str) -> dict[str, Any] | None:
    """Return the settings of a lookahead, None for 'none'. Raises UsageError that names what is wrong."""
    return None if text == NONE else parse_settings("lookahead", text, _LOOKAHEAD)


def minimise(loss: Any, learning_rate: Any, config: TrainConfig) -> int:
    """Append to the current program what moves its parameters to lower `loss`.

    `loss` and `learning_rate` are Variables, [1] float32. Returns how many numbers of a standard normal distribution each
    step wants as NOISE, float32. Raises UsageError for penalties on unknown parameters.
    """
    import legacy_fluid as fluid

    program = loss.block.program
    prepare_gradients(program, config)
    name, settings = settings_of(config)
    noise = 0.0
    if name == "dpsgd":  # its operator draws by the clock, what no seed could repeat
        noise, settings["sigma"] = settings["sigma"] / settings["batch_size"], 0.0
    optimizer = getattr(fluid.optimizer, OPTIMIZERS[name].fluid)(learning_rate=learning_rate, **settings)
    step: Any = _Step(optimizer, learning_rate, config.weight_decay, noise)
    if lookahead := parse_lookahead(config.lookahead):
        step = fluid.optimizer.LookaheadOptimizer(step, **lookahead)
    _, gradients = step.minimize(loss)
    for variable in program.list_vars():
        if variable.persistable and not isinstance(variable, fluid.framework.Parameter):
            variable.belong_to_optimizer = True  # so that all that outlives a step is in the checkpoint
    return len(gradients) if noise else 0


@dataclass(frozen=True)
class _Step:
    """An optimizer with what comes beside it: a share taken off the weights before it, noise after it.

    Sources: "Decoupled Weight Decay Regularization", arxiv.org/abs/1711.05101; for the noise fluid's dpsgd operator.
    """

    optimizer: Any
    learning_rate: Any
    weight_decay: float
    noise: float  # standard deviation

    def minimize(self, loss: Any, startup_program: Any = None) -> Any:
        """Append the step, as fluid's optimizers do under this name, which LookaheadOptimizer calls."""
        gradients = self.optimizer.backward(loss, startup_program)
        parameters = [parameter for parameter, _ in gradients]
        if self.weight_decay:
            self._decay(parameters)
        operators = self.optimizer.apply_gradients(gradients)
        if self.noise:
            self._add_noise(parameters)
        return operators, gradients

    def _decay(self, parameters: list[Any]) -> None:
        import legacy_fluid as fluid

        kept = fluid.layers.scale(self.learning_rate, scale=-self.weight_decay, bias=1.0)
        for parameter in parameters:
            if len(parameter.shape) > 1:
                _in_place("elementwise_mul", parameter, kept)

    def _add_noise(self, parameters: list[Any]) -> None:
        """Add to each parameter the learning rate times a number of its own."""
        import legacy_fluid as fluid

        drawn = fluid.layers.data(name=NOISE, shape=[len(parameters)], append_batch_size=False, dtype="float32")
        moves = fluid.layers.elementwise_mul(fluid.layers.scale(drawn, scale=-self.noise), self.learning_rate)
        for parameter, move in zip(parameters, fluid.layers.split(moves, len(parameters), dim=0), strict=True):
            _in_place("elementwise_add", parameter, move)


def _in_place(operator: str, parameter: Any, other: Any) -> None:
    names = {"X": [parameter], "Y": [other]}
    parameter.block.append_op(type=operator, inputs=names, outputs={"Out": [parameter]})
