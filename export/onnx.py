"""`python -m export onnx`: a run's model, or one that fluid or paddle.jit saved, as ONNX that was proved to be the same.

runs/NAME/onnx/model.onnx    `img` [batch, 1, 28, 28] to `prediction` [batch, 10], say, with labels and preprocessing inside
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from export.conversion.compare import Tolerance
from export.conversion.paddle_files import load_2x
from export.conversion.signature import Signature, TensorSpec
from export.kind import CLASSIFICATION, TASKS
from export.said import Said, read_labels, read_preprocessing
from export.samples import run_dataset, sample_batches
from fluidline.cli import Choice
from fluidline.errors import UsageError
from fluidline.runs import DEFAULT_ROOT, LATEST, RunFolder, find_run

DEFAULT_OPSET = 17
TOLERANCE = Tolerance(atol=5e-6, rtol=5e-6)  # for probabilities at most 1e-5
BATCH, OUTPUT = "batch", "prediction"
_CARRIED = ("model", "task", "data", "labels", "target", "preprocessing")
MADE_BY = "python -m export onnx"


def export_onnx(run: RunFolder, data: str | None = None, opset: int = DEFAULT_OPSET) -> dict[str, Any]:
    """Convert the run's inference model to ONNX, and return the stage's entry in the manifest.

    The file is compared with the Paddle executor on test samples before it counts: those of `data`, or of what the run
    was trained on where it is None. The opset is raised where an operator needs it. Raises RunError where the run has
    no inference model, DataError where that is damaged, FluidlineError where paddle2onnx fails, and ValidationError,
    with nothing written, where the ONNX model is not the same model.
    """
    from export.conversion.convert import to_onnx, write_validated  # onnx and onnxruntime, which --help can do without
    from export.conversion.rewrite import rewrite

    with run.lock():
        entry = run.read_stage("inference", "python -m export inference")
        batches, source = sample_batches(run_dataset(run, entry, data), entry)
        model = load_2x(run.inference / "model")
        expected = [model.run({model.inputs[0].name: batch}) for batch in batches]
        source_spec = _spec(entry["input"]["name"], entry["input"])
        signature = Signature((source_spec,), (_spec(OUTPUT, entry["output"]),))
        metadata = {
            "labels": json.dumps(entry["labels"], ensure_ascii=False),
            "preprocessing": json.dumps(entry["preprocessing"], ensure_ascii=False),
            "task": entry.get("task", CLASSIFICATION),
            "model": entry["model"],
            "run": run.name,
        }
        converted = to_onnx(rewrite(model), signature, entry["model"], metadata, opset)
        feeds = [{source_spec.name: batch} for batch in batches]
        report = write_validated(converted, run.onnx, signature, feeds, expected, TOLERANCE)
        details = {
            **{key: entry[key] for key in _CARRIED if key in entry},
            "input": signature.inputs[0].as_json(),
            "output": signature.outputs[0].as_json(),
            **converted.as_json(),
            "validation": {"inputs": source, **report.as_json()},
        }
        run.write_stage("onnx", [run.onnx], details, parent="inference")
        return run.read_stage("onnx", MADE_BY)


def _spec(name: str, entry: dict[str, Any]) -> TensorSpec:
    return TensorSpec(name, entry["dtype"], (BATCH, *entry["shape"]))


@click.command(name="onnx")
@click.option("--run", "name", help=f"Name of the run.  [default: {LATEST}]")
@click.option("--runs-dir", type=click.Path(path_type=Path), default=DEFAULT_ROOT, show_default=True, help="Its place.")
@click.option("--data", help="Data set whose test samples are compared on; else what the run was trained on.")
@click.option("--from-fluid", "folder", type=click.Path(path_type=Path), help="Folder of a model that fluid 1.x saved.")
@click.option("--model-filename", help="File of that model's program.  [default: __model__, or the only one]")
@click.option(
    "--params", "params_filename", help="File of all its parameters.  [default: a file each, or the only one]"
)
@click.option(
    "--from-jit",
    "prefix",
    type=click.Path(path_type=Path),
    help="Prefix of a model that paddle.jit.save wrote: PREFIX.pdmodel, PREFIX.pdiparams.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="ONNX file to write from either; a summary goes beside it.  [--from-jit: PREFIX.onnx]",
)
@click.option(
    "--labels", help="What the outputs of either stand for: a,b,c, or a file with one a line.  [default: 0,1,2...]"
)
@click.option(
    "--preprocessing",
    help="What either takes: size=28x28,scale=2/255,shift=-1,ink=light (what is left out is so), or a JSON file.",
)
@click.option(
    "--task", type=Choice(TASKS), help="What either gives.  [default: one output is a value, several are labels]"
)
@click.option(
    "--softmax", is_flag=True, help="Add softmax to a classifier that ends in logits, as Paddle 2's usually do."
)
@click.option("--opset", type=click.IntRange(7, 19), default=DEFAULT_OPSET, show_default=True, help="ONNX opset.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made and measured as JSON.")
def command(
    name: str | None,
    runs_dir: Path,
    data: str | None,
    folder: Path | None,
    prefix: Path | None,
    opset: int,
    as_json: bool,
    **options: Any,
) -> None:
    """Convert a run's inference model, or one that fluid or paddle.jit.save wrote, to validated ONNX."""
    given = [f"--{name.replace('_', '-').removesuffix('-filename')}" for name, value in options.items() if value]
    if folder is None and prefix is None:
        if given:
            raise UsageError(f"{', '.join(given)}: only with --from-fluid or --from-jit (a run says it itself)")
        run = find_run(name or LATEST, runs_dir)
        made, path = export_onnx(run, data, opset), run.onnx
    else:
        if name or data:
            raise UsageError("--run and --data do not go with --from-fluid or --from-jit (compared on random inputs)")
        made, path = _convert_saved(folder, prefix, opset, **options)
    click.echo(json.dumps(made, indent=2, ensure_ascii=False) if as_json else _as_text(path, made))


def _convert_saved(
    folder: Path | None,
    prefix: Path | None,
    opset: int,
    out: Path | None,
    model_filename: str | None,
    params_filename: str | None,
    labels: str | None,
    preprocessing: str | None,
    task: str | None,
    softmax: bool,
) -> tuple[dict[str, Any], Path]:
    """Convert a folder of fluid's, or else what paddle.jit.save wrote, and return what was made and where."""
    said = Said(
        read_labels(labels) if labels is not None else (),
        read_preprocessing(preprocessing) if preprocessing is not None else None,
        task,
        softmax,
    )
    from export.conversion.from_saved import convert_fluid, convert_jit

    if folder is not None and prefix is not None:
        raise UsageError("--from-fluid and --from-jit are both given (leave one out)")
    if folder is not None:
        if out is None:
            raise UsageError("--from-fluid needs --out FILE, the ONNX file to write")
        return convert_fluid(folder, out, model_filename, params_filename, opset, said), out
    assert prefix is not None
    if model_filename or params_filename:
        raise UsageError("--model-filename and --params go with --from-fluid (--from-jit has the names by its prefix)")
    out = out or prefix.with_name(f"{prefix.name.removesuffix('.pdmodel')}.onnx")
    return convert_jit(prefix, out, opset, said), out


def _as_text(path: Path, made: dict[str, Any]) -> str:
    validation = made["validation"]
    lines = [f"wrote {path} (opset {made['opset']}, {made['nodes']} nodes)"]
    if "takes" in made:
        lines.append(f"takes {made['takes']}")
    for output, what in made["batch_norms"].items():
        lines.append(f"batch_norm {output}: {what}")
    for found in validation["outputs"]:
        lines.append(
            f"{found['output']}: largest difference from Paddle {found['largest']:.3g}, at {found['index']} of a batch "
            f"of {found['batch']} ({found['found']:.9g} for {found['reference']:.9g})"
        )
    tolerance = f"atol {validation['atol']:g}, rtol {validation['rtol']:g}"
    batches = ", ".join(map(str, validation["batches"]))
    lines.append(
        f"passed {', '.join(validation['checks'])} on {validation['inputs']}, batches of {batches} ({tolerance})"
    )
    return "\n".join(lines)
