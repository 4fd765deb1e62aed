"""The models that can be trained: where each graph is, and the recipe that trains it well on MNIST."""

from __future__ import annotations

from dataclasses import dataclass

from fluidline.errors import UsageError, closest
from pipeline.losses import CROSS_ENTROPY, MSE


@dataclass(frozen=True)
class Recipe:
    """How a model is trained unless the user says otherwise; the fields are options of the same names."""

    epochs: int
    batch_size: int
    learning_rate: float
    optimizer: str = "adam"
    l2: float = 0.0
    decay: str = "linear"
    shuffle_buffer: int = 8192
    warmup: float = 0.0
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    average: float = 0.0
    precise_bn: int = 0
    augment: str = "none"
    valid_size: int = 0


@dataclass(frozen=True)
class Model:
    """A row of the table: the graph as "module:function" (importing it brings paddle), its recipe, and what it lowers."""

    graph: str
    recipe: Recipe
    loss: str = CROSS_ENTROPY


DROPOUT_MODES = ("upscale_in_train", "downgrade_in_infer")  # fluid's names; the first is the one to take unless told

# Chosen on 10,000 training images held out, as docs/training.md says: a rate that falls to zero is worth more than any
# that is held, and the penalty most where there are most parameters.
MODELS = {
    "softmax": Model("pipeline.graphs:softmax", Recipe(epochs=15, batch_size=64, learning_rate=0.002)),
    "mlp": Model("pipeline.graphs:mlp", Recipe(epochs=12, batch_size=128, learning_rate=0.002, l2=1e-4)),
    "lenet": Model("pipeline.graphs:lenet", Recipe(epochs=10, batch_size=64, learning_rate=0.003, l2=1e-3)),
    "sigmoid_mlp": Model("pipeline.graphs:sigmoid_mlp", Recipe(epochs=15, batch_size=64, learning_rate=0.003)),
    "linear": Model("pipeline.graphs:softmax", Recipe(epochs=10, batch_size=64, learning_rate=0.001), MSE),
    "cnn20": Model("pipeline.graphs:cnn20", Recipe(epochs=10, batch_size=64, learning_rate=0.002, l2=1e-4)),
}
OWN = Recipe(epochs=10, batch_size=64, learning_rate=0.001)  # of a graph that nobody here has ever seen

PRESETS = {
    "default": None,  # the model's own recipe
    "book": Recipe(epochs=5, batch_size=64, learning_rate=0.001, decay="constant", shuffle_buffer=500),
    # Chosen on training images held out too, as docs/accuracy.md says: many passes at a high rate, whose noise the average
    # takes out, over images changed much or little; batch_norm's statistics are those of images as they are.
    "best": Recipe(
        epochs=45, batch_size=128, learning_rate=0.008, l2=2e-4, warmup=0.05, average=0.999, precise_bn=5_000,
        augment="rotate=18,shift=1.5,stretch=0.2,shear=0.25,elastic=1,vary=1,thickness=0.6,noise=0.1",
        shuffle_buffer=60_000, valid_size=2_000,
    ),
}  # fmt: skip


def find_model(name: str) -> Model:
    """Return the row of a model, or one for a user's own graph, `FILE.py:FUNCTION`. Raises UsageError for other names."""
    if name in MODELS:
        return MODELS[name]
    file, _, function = name.rpartition(":")
    if file.endswith(".py") and function.isidentifier():
        return Model(name, OWN)
    if name.endswith(".py"):
        raise UsageError(f"model {name} names no function of that file (as in {name}:FUNCTION)")
    raise UsageError(f"no such model: '{name}'{closest(name, MODELS)}")


def short_name(name: str) -> str:
    """Return what a model is called in files and folders: its name, or that of a user's function."""
    return name if name in MODELS else name.rpartition(":")[2]
