"""What a user says of a model when it is converted, for its files do not: kept in the ONNX file's metadata.

See `export.kind` for what the metadata mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fluidline.errors import DataError, UsageError, closest

if TYPE_CHECKING:
    from export.conversion.signature import TensorSpec

_OF_IMAGES = ("size", "scale", "shift", "ink")


@dataclass(frozen=True)
class Said:
    """What is said of a model; `softmax` says that it ends in logits, of which probabilities are to be made."""

    labels: tuple[str, ...] = ()
    preprocessing: Mapping[str, Any] | None = None
    task: str | None = None
    softmax: bool = False

    def metadata(self, inputs: Sequence[TensorSpec]) -> dict[str, str]:
        """Return the metadata of a model with these inputs. Raises DataError where the size of its images is not known."""
        found = {"labels": json.dumps(self.labels, ensure_ascii=False)} if self.labels else {}
        if self.task:
            found["task"] = self.task
        if self.preprocessing is not None:
            found["preprocessing"] = json.dumps(_completed(self.preprocessing, inputs), ensure_ascii=False)
        return found


NOTHING = Said()


def read_labels(text: str) -> tuple[str, ...]:
    """Return labels `a,b,c`, or the lines of a file that is called so. Raises UsageError where two are the same."""
    parts = _read_text(Path(text)).splitlines() if Path(text).is_file() else text.split(",")
    labels = tuple(part.strip() for part in parts if part.strip())
    if len(set(labels)) < len(labels) or not labels:
        what = "there is none" if not labels else f"{len(labels) - len(set(labels))} come twice"
        raise UsageError(f"--labels {text}: {what} (name each once, as a,b,c or a file with one a line)")
    return labels


def read_preprocessing(text: str) -> dict[str, Any]:
    """Return `size=28x28,scale=2/255,shift=-1,ink=light`, or the JSON of a file that is called so.

    Raises UsageError where there is no such setting or value.
    """
    path = Path(text)
    if path.is_file():
        try:
            value = json.loads(_read_text(path))
        except ValueError as error:
            raise DataError(f"{path} is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise DataError(
                f'{path} holds no JSON object, such as {{"features": [...], "offset": [...], "scale": [...]}}'
            )
        return value
    settings: dict[str, Any] = {}
    for part in text.split(","):
        name, _, value = part.strip().partition("=")
        if name not in _OF_IMAGES:
            raise UsageError(f"--preprocessing has no setting '{name}'{closest(name, _OF_IMAGES)}")
        try:
            settings[name] = _read_setting(name, value)
        except (ValueError, ZeroDivisionError):
            raise UsageError(
                f"--preprocessing {name}={value} (write it as in size=28x28,scale=2/255,shift=-1,ink=light)"
            ) from None
    return settings


def _read_setting(name: str, value: str) -> Any:
    if name == "ink":
        return value
    if name == "size":
        height, width = map(int, value.split("x"))
        return [height, width]
    number, _, divisor = value.partition("/")
    return float(number) / float(divisor or 1)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as text: {error}") from error


def _completed(preprocessing: Mapping[str, Any], inputs: Sequence[TensorSpec]) -> dict[str, Any]:
    """Return the settings of images with their defaults; those of tables as they are."""
    if "features" in preprocessing:
        return dict(preprocessing)
    from export.kind import Images

    usual = Images()
    size = preprocessing.get("size") or list(inputs[0].shape[-2:])
    if len(size) != 2 or not all(isinstance(side, int) for side in size):
        raise DataError(f"how large the images are does not show from {inputs[0]} (say it: --preprocessing size=28x28)")
    return {"scale": usual.scale, "shift": usual.shift, "ink": usual.ink, **preprocessing, "size": size}
