"""`python -m export COMMAND`."""

import sys

import click

from fluidline.cli import Group, main

COMMANDS = {
    "inference": "export.inference:command",
    "onnx": "export.onnx:command",
    "bench": "export.bench:command",
    "predict": "export.predict:command",
    "serve": "export.serve:command",
}


@click.group(cls=Group, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def export() -> None:
    """Turn a trained run into an inference model and ONNX, measure it, and predict with it."""


if __name__ == "__main__":
    sys.exit(main(export))
