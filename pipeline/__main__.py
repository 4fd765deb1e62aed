"""`python -m pipeline COMMAND`."""

import sys

import click

from fluidline.cli import Group, main

COMMANDS = {
    "train": "pipeline.train:command",
    "evaluate": "pipeline.evaluate:command",
    "inspect": "pipeline.inspect.command:command",
    "report": "pipeline.report:command",
    "sweep": "pipeline.sweep.command:command",
    "data": "pipeline.data.show:command",
}


@click.group(cls=Group, table=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
def pipeline() -> None:
    """Train and test the digit classifiers of the PaddlePaddle book."""


if __name__ == "__main__":
    sys.exit(main(pipeline))
