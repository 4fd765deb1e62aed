"""The twin in PyTorch: the book's graphs, trained the way that its users train what fits into memory.

The images are one float32 tensor, a batch is an index into it, the cost is read once a pass, and all else is as it comes.
"""

import numpy as np
from protocol import epsilon, race

LAYERS = {
    "softmax": lambda nn: [nn.Flatten(), nn.Linear(784, 10)],
    "mlp": lambda nn: [nn.Flatten(), nn.Linear(784, 200), nn.ReLU(), nn.Linear(200, 200), nn.ReLU(), nn.Linear(200, 10)],
    "lenet": lambda nn: [
        nn.Conv2d(1, 20, 5), nn.ReLU(), nn.MaxPool2d(2), nn.BatchNorm2d(20),
        nn.Conv2d(20, 50, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(800, 10),
    ],
}  # fmt: skip


def load():
    import torch

    return torch


class Twin:
    def __init__(self, torch, spec, parameters):
        self.torch = torch
        self.version, self.threads = torch.__version__, torch.get_num_threads()
        self.model = torch.nn.Sequential(*LAYERS[spec["model"]](torch.nn))
        self.cost_of = torch.nn.CrossEntropyLoss()
        self._take(parameters)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=spec["learning_rate"], weight_decay=spec["l2"])
        self.rates = np.load(spec["rates"]) if spec["rates"] else None
        self.steps = 0

    def _take(self, parameters):
        """Take fluid's parameters: weight and bias of each layer, then for batch_norm its average and variance."""
        theirs = iter(parameters)
        with self.torch.no_grad():
            for layer in self.model:
                for name in ("weight", "bias", "running_mean", "running_var"):
                    mine = getattr(layer, name, None)
                    if mine is not None:
                        value = self.torch.from_numpy(next(theirs))
                        mine.copy_(value.T if isinstance(layer, self.torch.nn.Linear) and value.ndim == 2 else value)

    def hold(self, images, labels):
        self.images, self.labels = self.torch.from_numpy(images), self.torch.from_numpy(labels)

    def step(self, rows):
        rows = self.torch.from_numpy(rows)
        self.optimizer.zero_grad()
        cost = self.cost_of(self.model(self.images[rows]), self.labels[rows])
        cost.backward()
        settings = self.optimizer.param_groups[0]
        if self.rates is not None:
            settings["lr"] = float(self.rates[self.steps])
        self.steps += 1
        settings["eps"] = epsilon(self.steps)
        self.optimizer.step()
        return cost.detach()

    def cost(self, promise):
        return promise.item()

    def accuracy(self, images, labels):
        self.model.eval()
        with self.torch.no_grad():
            right = sum(
                int(
                    (
                        self.model(self.torch.from_numpy(images[at : at + 200])).argmax(1).numpy()
                        == labels[at : at + 200]
                    ).sum()
                )
                for at in range(0, len(labels), 200)
            )
        self.model.train()
        return right / len(labels)


if __name__ == "__main__":
    race(load, Twin)
