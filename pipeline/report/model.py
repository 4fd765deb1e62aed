"""The layers of the model and their parameters, as the best pass's program has them."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from pipeline.inspect.network import Parameter, setting_texts, shape_text
from pipeline.report.markup import Html, element, number, table
from pipeline.report.subject import Subject


def parameters(subject: Subject) -> Html:
    """The parameters by layer."""
    network = subject.network
    outputs, everything = network.layer_outputs(), network.parameters.values()
    learnt = count(everything)
    rows = []
    for layer, operators in network.layers().items():
        owned = [parameter for operator in operators for parameter in operator.parameters]
        types = ", ".join(operator.type for operator in operators)
        settings = "; ".join(text for operator in operators for text in setting_texts(operator.settings))
        shapes = "; ".join(f"{parameter.name} {shape_text(parameter.shape)}" for parameter in owned)
        rows.append((layer, types, settings, shapes, shape_text(outputs[layer].shape), *_sizes(owned, learnt)))
    rows.append((element("strong", "all"), *("",) * 4, *_sizes(everything, learnt)))
    header = ("layer", "operators", "settings", "parameters", "output", "learnt", "share", "kept")
    return table("Layers in order. Kept are running statistics, which are not learnt.", header, rows, "wrapped")


def count(parameters: Collection[Parameter], *, learnt: bool = True) -> int:
    """Return how many numbers the parameters hold that are learnt, or that are not."""
    return sum(parameter.size for parameter in parameters if parameter.learnt == learnt)


def _sizes(parameters: Collection[Parameter], whole: int) -> Iterator[Html]:
    """Yield cells with how many numbers are learnt, which share of the `whole` that is, and how many are kept."""
    learnt, kept = count(parameters), count(parameters, learnt=False)
    for text in (f"{learnt:,}", f"{learnt / whole:.1%}" if learnt else "", f"{kept:,}"):
        yield number("" if text == "0" else text)
