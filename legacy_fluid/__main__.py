"""`python -m legacy_fluid SCRIPT [ARGS]`: run old programs, check code before running it, examine the installation."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Sequence

USAGE = """\
usage: python -m legacy_fluid SCRIPT [ARGS...]       run a script written for paddle.fluid 1.8, as `python` would
       python -m legacy_fluid -m MODULE [ARGS...]    run a module
       python -m legacy_fluid -c CODE [ARGS...]      run a string

       python -m legacy_fluid --check PATH... [--json]
              without running them, say which names of fluid scripts, notebooks and folders use, and how each is
              covered; the exit code is 0 when all are
       python -m legacy_fluid --doctor [--json]
              say what is installed and whether it fits together; the exit code is 0 when it does
       python -m legacy_fluid --version
       python -m legacy_fluid --help

A traceback leaves out the layer's own lines; with LEGACY_FLUID_ALL_FRAMES=1 in the environment it shows them.
paddle.utils.plot.Ploter draws into a file where there is no notebook. $MNIST_DIR and $UCI_HOUSING_DIR name folders
with the files of paddle.dataset.mnist and paddle.dataset.uci_housing.
"""


def main(argv: Sequence[str]) -> int:
    """Do what the arguments ask for; return the exit code: 0 done, 1 failed, 2 wrong usage."""
    match list(argv):
        case ["-h" | "--help"]:
            print(USAGE, end="")
            return 0
        case ["--version" | "-V"]:
            return _version()
        case ["--check", *rest]:
            return _check(rest)
        case ["--doctor", *rest]:
            return _doctor(rest)
        case []:
            return _wrong("nothing to run")
        case ["-m" | "-c" as option]:
            return _wrong(f"argument expected for the {option} option")
        case [str(option), *_] if option.startswith("-") and option not in ("-m", "-c", "-"):
            return _wrong(f"no such option '{option}'", option)
        case command:
            return _run(command)


def _run(command: list[str]) -> int:
    from .launcher import run

    try:
        match command:
            case ["-m", module, *arguments]:
                run.run_module(module, arguments)
            case ["-c", code, *arguments]:
                run.run_code(code, arguments)
            case [script, *arguments]:
                run.run_script(script, arguments)
    except run.CannotRun as error:
        return _wrong(str(error))
    return 0


def _check(arguments: list[str]) -> int:
    from .launcher import check

    paths = [argument for argument in arguments if argument != "--json"]
    for path in paths:
        if path.startswith("-"):
            return _wrong(f"no such option '{path}'", path)
        if not os.path.exists(path):
            return _wrong(f"no such file or folder: {path}")
    if not paths:
        return _wrong("--check takes scripts, notebooks or folders")
    report = check.check(paths)
    if not report.files:
        return _wrong(f"no Python files or notebooks under {' '.join(paths)}")
    print(check.as_json(report) if "--json" in arguments else check.as_text(report))
    return 0 if report.is_covered else 1


def _doctor(arguments: list[str]) -> int:
    from .launcher import doctor

    for argument in arguments:
        if argument != "--json":
            return _wrong(f"no such option '{argument}'", argument)
    report = doctor.examine()
    print(doctor.as_json(report) if arguments else doctor.as_text(report))
    return 0 if report.fits else 1


def _version() -> int:
    from .launcher import doctor

    paddle = doctor.installed("paddlepaddle") or doctor.installed("paddlepaddle-gpu") or "(not installed)"
    print(f"legacy_fluid: paddle.fluid {doctor.FLUID} on paddlepaddle {paddle}")
    return 0


def _wrong(message: str, option: str | None = None) -> int:
    known = ["-m", "-c", "--check", "--doctor", "--json", "--version", "--help"]
    match = difflib.get_close_matches(option, known, n=1) if option else []
    hint = f" (did you mean '{match[0]}'?)" if match else ""
    print(f"error: {message}{hint}\n{USAGE.splitlines()[0]}\nmore: python -m legacy_fluid --help", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
