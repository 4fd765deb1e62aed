"""The models that can be trained: where each graph is, and the recipe that trains it well on MNIST."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """How a model is trained unless the user says otherwise; the fields are options of the same names."""

    epochs: int
    batch_size: int
    learning_rate: float
    decay: str
    l2: float
    shuffle_buffer: int


@dataclass(frozen=True)
class Model:
    """A row of the table: the graph as "module:function" (importing it brings paddle) and its recipe."""

    graph: str
    recipe: Recipe


# The last passes at a learning rate near zero are worth more than any rate held constant; what the rates and the
# L2 coefficients were chosen by is in docs/training.md.
MODELS = {
    "softmax": Model("pipeline.graphs:softmax", Recipe(15, 64, 0.002, "linear", 0.0, 8192)),
    "mlp": Model("pipeline.graphs:mlp", Recipe(12, 128, 0.002, "linear", 1e-4, 8192)),
    "lenet": Model("pipeline.graphs:lenet", Recipe(12, 64, 0.003, "linear", 3e-4, 8192)),
}

PRESETS = {
    "default": None,  # the model's own recipe
    "book": Recipe(5, 64, 0.001, "constant", 0.0, 500),
}
