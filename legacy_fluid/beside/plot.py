"""`paddle.utils.plot`: the curves that the PaddlePaddle book draws while it trains."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

__all__ = ["PlotData", "Ploter"]


class PlotData:
    """The points of one curve."""

    def __init__(self) -> None:
        self.step: list[Any] = []
        self.value: list[Any] = []

    def append(self, step: Any, value: Any) -> None:
        self.step.append(step)
        self.value.append(value)

    def reset(self) -> None:
        self.step, self.value = [], []


class Ploter:
    """Draw curves that grow: in place in a notebook, and elsewhere into a file named after them.

    `DISABLE_PLOT=True` in the environment turns the drawing off, and with it the need for matplotlib.

    Args:
        args: the curves' titles.
    """

    def __init__(self, *args: str) -> None:
        self.__args__ = args
        self.__plot_data__ = {title: PlotData() for title in args}
        self.__disable_plot__ = os.environ.get("DISABLE_PLOT")
        self._announced = False

    def __plot_is_disabled__(self) -> bool:
        return self.__disable_plot__ == "True"

    def append(self, title: str, step: Any, value: Any) -> None:
        """Add the point (step, value) to a curve."""
        assert title in self.__plot_data__, f"no curve '{title}'; there is: {', '.join(self.__args__)}"
        self.__plot_data__[title].append(step, value)

    def plot(self, path: str | None = None) -> None:
        """Draw all curves: into the file `path`, or, where None, into the notebook or the curves' own file."""
        if self.__plot_is_disabled__():
            return
        import matplotlib.pyplot as plt

        drawn = [title for title in self.__args__ if self.__plot_data__[title].step]
        for title in drawn:
            plt.plot(self.__plot_data__[title].step, self.__plot_data__[title].value)
        plt.legend(drawn, loc="upper left")
        if path is None and _in_notebook():
            from IPython import display

            display.clear_output(wait=True)
            display.display(plt.gcf())
        else:
            plt.savefig(path or self._own_file())
        plt.gcf().clear()

    def reset(self) -> None:
        """Forget all points."""
        for data in self.__plot_data__.values():
            data.reset()

    def _own_file(self) -> str:
        path = re.sub(r"\W+", "_", "-".join(self.__args__)).strip("_").lower() + ".png"
        if not self._announced:
            self._announced = True
            print(f"Ploter draws into {path}", file=sys.stderr)
        return path


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None
