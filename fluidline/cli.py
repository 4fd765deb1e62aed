"""The command line's manners: closest matches, errors in a line, exit codes 0, 1 and 2, numbers for machines."""

from __future__ import annotations

import importlib
import logging
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from fluidline.errors import FluidlineError, closest


class Group(click.Group):
    """A click group of commands named in a table, each imported when it is used; a misspelt one gets the closest match.

    `table` maps a command to where it is, as in `{"onnx": "export.onnx:command"}`.
    """

    def __init__(self, *args: Any, table: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.table:
            return None
        module, attribute = self.table[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            ctx.fail(f"no such command '{args[0]}'{closest(args[0], self.list_commands(ctx))}")
        return super().resolve_command(ctx, args)


class Choice(click.Choice):
    """A click choice that names the closest of its values."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        return f"no such value '{value}'{closest(str(value), map(str, self.choices))}"


def main(
    group: click.Command, argv: Sequence[str] | None = None, *, interrupted_by: Sequence[signal.Signals] = ()
) -> int:
    """Run `group` and return the exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.

    `interrupted_by` are signals that shall act as Ctrl-C does, so that whatever was started is ended too.
    """
    for number in interrupted_by:
        signal.signal(number, signal.default_int_handler)
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    for package in ("fluidline", "pipeline", "export"):
        logging.getLogger(package).setLevel(logging.INFO)  # not the root logger's: importing paddle sets that back
    try:
        result = group.main(args=None if argv is None else list(argv), standalone_mode=False)
        return result if isinstance(result, int) else 0
    except FluidlineError as error:
        click.echo(f"error: {error}", err=True)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except BrokenPipeError:
        return 0  # the reader of our output, `head` say, has had enough
