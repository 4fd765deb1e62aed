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
    """Train models written in fluid, the tutorials' or your own, and see what came of it."""


if __name__ == "__main__":
    sys.exit(main(pipeline))
