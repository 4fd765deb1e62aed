"""`python -m legacy_fluid SCRIPT [ARGS]`: run, check and examine."""

from __future__ import annotations

import sys
from collections.abc import Sequence

USAGE = """\
usage: python -m legacy_fluid SCRIPT [ARGS...]        run a script written for paddle.fluid 1.8, as `python` would
       python -m legacy_fluid -m MODULE [ARGS...]     run a module
       python -m legacy_fluid -c CODE [ARGS...]       run a string
       python -m legacy_fluid --check PATH... [--json]
                                                      say, without running them, which names of fluid the scripts,
                                                      notebooks and folders use, and how each is covered
       python -m legacy_fluid --doctor [--json]       say what is installed, and whether it fits together
       python -m legacy_fluid --version | --help

Tracebacks leave out the layer's own frames; LEGACY_FLUID_ALL_FRAMES=1 shows them all.
Curves of paddle.utils.plot.Ploter go to a file where there is no notebook; $MNIST_DIR and $UCI_HOUSING_DIR name folders
that hold the data sets of paddle.dataset.
"""


def main(argv: Sequence[str]) -> int:
    """Do what the arguments ask for; return the exit code: 0 done, 1 failed, 2 wrong usage."""
    first, rest = (argv[0], list(argv[1:])) if argv else ("", [])
    from .launcher import run

    if first in ("-m", "-c") and not rest:
        return _wrong(f"argument expected for the {first} option")
    try:
        if first == "-m":
            run.run_module(rest[0], rest[1:])
        elif first == "-c":
            run.run_code(rest[0], rest[1:])
        else:
            run.run_script(first, rest)
    except run.CannotRun as error:
        return _wrong(str(error))
    return 0


def _wrong(message: str) -> int:
    print(f"error: {message}\n\n{USAGE}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
