"""What the best pass makes of the test split: confusion matrix, classes and mistakes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from pipeline.data.dataset import Split
from pipeline.evaluate import scored
from pipeline.report.markup import Html, element, join, number, picture, table
from pipeline.report.residuals import residuals
from pipeline.report.subject import Subject
from pipeline.scores import Errors, Scores, predict

_MISTAKES = 32  # shown, the worst first
_CONFUSIONS = 10  # listed, the most frequent first
_MOST_CLASSES = 40  # whose matrix is still to be read

Floats = npt.NDArray[np.float32]


def tested(subject: Subject) -> Html:
    """What the best pass answers to the test split, beside the truth."""
    answers, scores = subject.answers, scored(subject.run, subject.answers).scores
    split, intro = answers.dataset.test, f"Pass {answers.epoch}, the best, on {answers.dataset.source}"
    if isinstance(scores, Errors):
        return join([element("p", f"{intro}: {len(split):,} rows."), residuals(scores, split)])
    return join(
        [
            element("p", f"{intro}: {scores.accuracy:.2%} of {len(split):,} images right, cost {scores.cost:.4f}."),
            element("h3", "Confusion matrix"),
            element(
                "div",
                _confusion(scores) if len(scores.labels) <= _MOST_CLASSES else "",
                _most_confused(scores),
                class_="beside",
            ),
            element("h3", "Classes"),
            _classes(scores),
            element("h3", "Worst mistakes"),
            _mistakes(answers.values, split, scores.labels),
        ]
    )


def _confusion(scores: Scores) -> Html:
    shares = scores.confusion / np.maximum(scores.confusion.sum(axis=1, keepdims=True), 1)
    most = (shares - np.diag(np.diag(shares))).max()
    rows = []
    for row, label in enumerate(scores.labels):
        cells = [_cell(scores, row, column, shares[row, column], most) for column in range(len(scores.labels))]
        rows.append((label, *cells, number(f"{scores.confusion[row].sum():,}")))
    caption = "A row for each true class, a column for each answer. Blue: right, orange: mistaken; darker is oftener."
    return table(caption, ("true", *scores.labels, "all"), rows, "confusion")


def _cell(scores: Scores, row: int, column: int, share: float, most: float) -> Html:
    """Return how often a class was answered as another, that is in a `share` of its images; `most` is the worst mistake's."""
    if not share:
        return element("td", "0", class_="none")
    count, true, said = f"{scores.confusion[row, column]:,}", scores.labels[row], scores.labels[column]
    kind, shade = ("right", share) if row == column else ("wrong", share / most)
    title = f"{true} answered as {said}: {count}, {share:.2%} of all {true}"
    return element("td", count, class_=kind, style=f"--shade: {shade:.0%}", title=title)


def _most_confused(scores: Scores) -> Html:
    wrong = scores.confusion - np.diag(np.diag(scores.confusion))
    worst = np.argsort(-wrong, axis=None, kind="stable")[:_CONFUSIONS]
    pairs = [divmod(int(place), len(scores.labels)) for place in worst]
    rows = [
        (
            f"{scores.labels[true]} answered as {scores.labels[said]}",
            number(f"{wrong[true, said]:,}"),
            number(f"{wrong[true, said] / scores.confusion[true].sum():.2%}"),
        )
        for true, said in pairs
        if wrong[true, said]
    ]
    return table("The most frequent mistakes", ("mistake", "times", "of the class"), rows) if rows else Html()


def _classes(scores: Scores) -> Html:
    hits = np.diag(scores.confusion)
    rows = []
    for each, hit in zip(scores.classes(), hits, strict=True):
        shares = ("-" if each[name] is None else f"{each[name]:.2%}" for name in ("recall", "precision", "f1"))
        rows.append((each["label"], *map(number, (f"{each['images']:,}", f"{hit:,}", *shares))))
    caption = (
        "Accuracy: the share of a class answered rightly (recall). Precision: the share of its answers that are right."
    )
    return table(caption, ("class", "images", "right", "accuracy", "precision", "F1"), rows)


def _mistakes(values: Floats, split: Split, labels: Sequence[str]) -> Html:
    truth, said = split.labels, predict(values, len(labels))
    if values.shape[1] > 1:
        badness, worst_are = -values[np.arange(len(truth)), truth], "the right answer was given the least probability"
    else:
        badness, worst_are = np.abs(values[:, 0] - truth), "the number is farthest from the right answer"
    wrong = np.flatnonzero(said != truth)
    worst = wrong[np.argsort(-badness[wrong], kind="stable")][:_MISTAKES].tolist()
    if not worst:
        return element("p", "There are none.")
    figures = [
        _mistake(split.images[index], index, values[index], said[index], truth[index], labels) for index in worst
    ]
    text = f"{len(worst)} of {len(wrong):,} mistakes, those in which {worst_are}."
    return join([element("p", text), element("ul", *figures, class_="mistakes")])


def _mistake(
    pixels: npt.NDArray[np.uint8], index: int, answer: Floats, said: int, truth: int, labels: Sequence[str]
) -> Html:
    from PIL import Image

    image = picture(Image.fromarray(pixels), f"test image {index}: {labels[truth]}, answered as {labels[said]}")
    lines = [
        element("span", word, " ", element("strong", labels[label]), " ", _sureness(answer, label))
        for word, label in (("answer", said), ("label", truth))
    ]
    return element("li", element("figure", image, element("figcaption", *lines, element("small", f"image {index}"))))


def _sureness(answer: Floats, label: int) -> str:
    """Return the probability of a label; or the number that was answered, where that is all there is."""
    if len(answer) == 1:
        return f"({answer[0]:.2f})"
    return f"{answer[label]:.1%}" if answer[label] >= 0.001 else "<0.1%"
