"""The models that can be trained: where each graph is, and the recipe that trains it well on MNIST."""

from __future__ import annotations

from dataclasses import dataclass


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
    augment: str = "none"
    valid_size: int = 0


@dataclass(frozen=True)
class Model:
    """A row of the table: the graph as "module:function" (importing it brings paddle) and its recipe."""

    graph: str
    recipe: Recipe


# Chosen on 10,000 training images held out, as docs/training.md says: a rate that falls to zero is worth more than any
# that is held, and the penalty most where there are most parameters.
MODELS = {
    "softmax": Model("pipeline.graphs:softmax", Recipe(epochs=15, batch_size=64, learning_rate=0.002)),
    "mlp": Model("pipeline.graphs:mlp", Recipe(epochs=12, batch_size=128, learning_rate=0.002, l2=1e-4)),
    "lenet": Model("pipeline.graphs:lenet", Recipe(epochs=10, batch_size=64, learning_rate=0.003, l2=1e-3)),
}

PRESETS = {
    "default": None,  # the model's own recipe
    "book": Recipe(epochs=5, batch_size=64, learning_rate=0.001, decay="constant", shuffle_buffer=500),
    # Chosen on 10,000 training images held out too, as docs/training-speed.md says: many passes at a high rate, whose noise
    # the average takes out, over images changed but mildly.
    "best": Recipe(
        epochs=45, batch_size=128, learning_rate=0.006, warmup=0.05, average=0.999,
        augment="rotate=12,shift=2,stretch=0.12,shear=0.15,elastic=0.5", shuffle_buffer=60_000, valid_size=5_000,
    ),
}  # fmt: skip
