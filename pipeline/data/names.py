"""What the numbers of a set's labels stand for, as a text file beside its data says.

labels.txt         a name a line, the first for label 0
SET-mapping.txt    EMNIST's: a label and the codes of the characters that it stands for, as in `1 65 97`
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fluidline.errors import DataError

NAMES_FILE = "labels.txt"


def read_names(folder: Path, name: str = "") -> dict[int, str] | None:
    """Return the names of the labels of the set `name` in a folder, None where no file says them.

    Raises DataError where a file cannot be read, a line says no name, or two labels have the same.
    """
    for path, parse in ((folder / f"{name}-mapping.txt", _mapping), (folder / NAMES_FILE, _lines)):
        if path.is_file():
            return _checked(path, parse(path, _text(path).splitlines()))
    return None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig").rstrip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error} (save it as UTF-8 text)") from error


def _lines(path: Path, lines: list[str]) -> dict[int, str]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            raise DataError(f"{path}: line {number} is empty (write the name of label {number - 1} there)")
    return {label: line.strip() for label, line in enumerate(lines)}


def _mapping(path: Path, lines: list[str]) -> dict[int, str]:
    names = {}
    for number, line in enumerate(lines, 1):
        try:
            label, code, *_ = map(int, line.split())
            names[label] = chr(code)
        except (ValueError, OverflowError):
            raise DataError(
                f"{path}: line {number} is '{line[:40]}', not a label and the code of its character, as in '1 65 97'"
            ) from None
    return names


def _checked(path: Path, names: dict[int, str]) -> dict[int, str]:
    if len(names) < 2:
        raise DataError(f"{path} names {len(names)} classes, two at least are needed (a name a line)")
    name, count = Counter(names.values()).most_common(1)[0]
    if count > 1:
        raise DataError(f"{path} names {count} labels '{name}' (give each a name of its own)")
    return names
