"""`python -m pipeline report`: what is known of a run, as one HTML file that needs nothing else.

    runs/NAME/report.html

Each section is a function that takes the run as a `subject.Subject` and returns `markup.Html`; what the run does not have
raises a FluidlineError, and the section says so in its place. The page around them is report.html and report.css.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

import click

from fluidline.errors import FluidlineError
from fluidline.files import write_text
from fluidline.runs import DEFAULT_ROOT, LATEST, RunFolder, find_run
from pipeline.report.markup import Html, element, join, section
from pipeline.report.model import parameters
from pipeline.report.origin import data, environment
from pipeline.report.stages import agreement, benchmark, files
from pipeline.report.subject import NotYetError, Subject
from pipeline.report.summary import summary
from pipeline.report.testing import tested
from pipeline.report.training import configuration, curves, timings

SECTIONS: dict[str, Callable[[Subject], Html]] = {
    "Summary": summary,
    "Curves": curves,
    "Test": tested,
    "Configuration": configuration,
    "Parameters": parameters,
    "Timings": timings,
    "ONNX": agreement,
    "Benchmark": benchmark,
    "Environment": environment,
    "Data": data,
    "Files": files,
}


@dataclass(frozen=True)
class Report:
    """The file that was written, its size in bytes, and for each section without content why it has none."""

    run: str
    file: str
    bytes: int
    missing: dict[str, str]


def report(run: RunFolder, out: Path | None = None, data: str | None = None) -> Report:
    """Write what is known of the run to `out`, else into its folder.

    The best pass is tested on the test split of `data`; of what the run was trained on where that is None. Raises
    FluidlineError where the file cannot be written; what the run does not have, or no longer, is a line of the report.
    """
    out = out or run.report
    subject, missing = Subject(run, data), {}
    sections = []
    for title, show in SECTIONS.items():
        try:
            content = show(subject)
        except FluidlineError as error:
            content, missing[title] = _missing(error), str(error)
        sections.append(section(title.lower(), title, content))
    page = _page(run, sections)
    write_text(out, page)
    return Report(run.name, str(out), len(page.encode()), missing)


def _missing(error: FluidlineError) -> Html:
    words = (
        (error.what, " To make it: ", element("code", error.command)) if isinstance(error, NotYetError) else (error,)
    )
    return element("p", *words, class_="missing")


def _page(run: RunFolder, sections: list[Html]) -> str:
    folder = Path(__file__).parent
    links = [element("li", element("a", title, href=f"#{title.lower()}")) for title in SECTIONS]
    return Template((folder / "report.html").read_text(encoding="utf-8")).substitute(
        title=join([f"Run {run.name}"]),
        style=(folder / "report.css").read_text(encoding="utf-8"),
        contents=join(links),
        sections=Html("\n".join(sections)),
    )


@click.command(name="report")
@click.option("--run", "name", default=LATEST, show_default=True, help="The run to report on.")
@click.option("--runs-dir", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True, help="Its place.")
@click.option("--data", help="Folder or file of data to test on, or 'builtin'; else what the run was trained on.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="File to write.  [default: report.html in the run's folder]"
)
@click.option("--json", "as_json", is_flag=True, help="Print what was written, and what is missing, as JSON.")
def command(name: str, runs_dir: Path, data: str | None, out: Path | None, as_json: bool) -> None:
    """Write all that is known of a run as one HTML file."""
    made = report(find_run(name, runs_dir), out, data)
    if as_json:
        click.echo(json.dumps(asdict(made), indent=2))
        return
    click.echo(f"wrote {made.file} ({made.bytes / 1024:,.0f} KiB)")
    for title, reason in made.missing.items():
        click.echo(f"{title}: {reason}")
