"""How far two arrays are apart, where, and whether that is too far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from fluidline.errors import ValidationError


@dataclass(frozen=True)
class Tolerance:
    """How far a number may be from the reference: atol + rtol * the largest |reference| of the same output and batch.

    The largest, because rounding errors of sums grow with their terms and not with what is left of them. Integers and
    booleans may not differ at all.
    """

    atol: float
    rtol: float

    def __str__(self) -> str:
        return f"atol {self.atol:g}, rtol {self.rtol:g}"


@dataclass(frozen=True)
class Difference:
    """The largest absolute difference of an output, and its place: `batch` is the size of the batch it was found in."""

    output: str
    largest: float
    batch: int
    index: tuple[int, ...]
    found: float
    reference: float

    def __str__(self) -> str:
        place = f"{list(self.index)} of a batch of {self.batch}"
        return f"{self.output}: {self.largest:.3g} at {place}: {self.found:.9g} for {self.reference:.9g}"

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "index": list(self.index)}


def compare(
    output: str, found: Sequence[np.ndarray], reference: Sequence[np.ndarray], tolerance: Tolerance
) -> Difference:
    """Return the largest absolute difference over several batches of an output, dtypes and shapes being equal.

    Two NaN count as equal, and so do equal infinities. Raises ValidationError where a number is out of tolerance, or
    where the reference holds no finite number to compare with.
    """
    if not any(np.isfinite(batch).any() for batch in reference):
        raise ValidationError(f"values: the reference of {output} holds no finite number, so that nothing is compared")
    pairs = [(ours, theirs) for ours, theirs in zip(found, reference, strict=True) if theirs.size]
    return max((_compare(output, *pair, tolerance) for pair in pairs), key=lambda difference: difference.largest)


def _compare(output: str, found: np.ndarray, reference: np.ndarray, tolerance: Tolerance) -> Difference:
    exact = reference.dtype.kind != "f"
    ours, theirs = (np.atleast_1d(values).astype(np.float64) for values in (found, reference))
    with np.errstate(invalid="ignore"):
        distance = np.abs(ours - theirs)
    distance[(ours == theirs) | (np.isnan(ours) & np.isnan(theirs))] = 0
    distance[np.isnan(distance)] = np.inf
    largest = np.abs(theirs, where=np.isfinite(theirs), out=np.zeros_like(theirs)).max()
    outside = int((distance > (0 if exact else tolerance.atol + tolerance.rtol * largest)).sum())

    place = np.unravel_index(np.argmax(distance), theirs.shape)
    index = tuple(int(position) for position in place)
    worst = Difference(output, float(distance[index]), len(theirs), index, float(ours[index]), float(theirs[index]))
    if outside:
        allowed = "integers and booleans must be equal" if exact else str(tolerance)
        raise ValidationError(f"values: {worst}; {outside} of {distance.size} are out of tolerance ({allowed})")
    return worst
