"""The layers of the model and their parameters, as the best pass's program has them."""

from __future__ import annotations

from collections.abc import Iterable

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
        rows.append(
            (
                layer,
                ", ".join(operator.type for operator in operators),
                "; ".join(text for operator in operators for text in setting_texts(operator.settings)),
                "; ".join(f"{parameter.name} {shape_text(parameter.shape)}" for parameter in owned),
                shape_text(outputs[layer].shape),
                *map(
                    number, (_written(count(owned)), _share(count(owned), learnt), _written(count(owned, learnt=False)))
                ),
            )
        )
    total = map(number, (_written(learnt), "", _written(count(everything, learnt=False))))
    rows.append((element("strong", "all"), *("",) * 4, *total))
    header = ("layer", "operators", "settings", "parameters", "output", "learnt", "share", "kept")
    return table("Layers in order. Kept are running statistics, which are not learnt.", header, rows, "wrapped")


def count(parameters: Iterable[Parameter], *, learnt: bool = True) -> int:
    """Return how many numbers the parameters hold that are learnt, or that are not."""
    return sum(parameter.size for parameter in parameters if parameter.learnt == learnt)


def _written(value: int) -> str:
    return f"{value:,}" if value else ""


def _share(value: int, whole: int) -> str:
    return f"{value / whole:.1%}" if value else ""
