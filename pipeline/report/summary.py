"""What a run came to, in a few lines."""

from __future__ import annotations

from pipeline.report import words
from pipeline.report.markup import Html, facts, join
from pipeline.report.model import count
from pipeline.report.origin import machine
from pipeline.report.stages import fastest, onnx_stage
from pipeline.report.subject import Subject, if_there
from pipeline.report.training import MEASURES, SPLITS


def summary(subject: Subject) -> Html:
    """Model, data, best pass, what came of it, when and on what; what the run does not have is left out."""
    best, last, entry = subject.best, subject.passes[-1], subject.stages.get("train", {})
    figures = [
        (f"{SPLITS[split]} {name}", says(best[f"{split}_{name}"]))
        for split in ("test", "valid")
        for name, says in reversed(MEASURES.items())
        if best.get(f"{split}_{name}") is not None
    ]
    chosen = f"{best['epoch']}, of 0 to {last['epoch']}, by its {SPLITS[subject.chooses]} cost"
    time = words.moment(entry["time"]) if entry else "not finished"
    lines = [
        ("Model", subject.config["model"]),
        ("Parameters", if_there(lambda: f"{count(subject.network.parameters.values()):,}")),
        ("Data", entry.get("data") or subject.config["data"]),
        ("Best pass", chosen),
        ("Trained", f"{time}, {words.duration(last['seconds'])} of steps"),
        ("On", machine(subject.config)),
        ("ONNX", if_there(lambda: _difference(subject))),
        ("Fastest", if_there(lambda: fastest(subject))),
    ]
    return join([facts(figures, "figures"), facts(lines)])


def _difference(subject: Subject) -> str:
    largest = onnx_stage(subject)["validation"]["largest_difference"]
    return f"answers differ by at most {words.difference(largest)} from the Paddle executor's"
