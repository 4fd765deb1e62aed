"""`python -m export onnx`: a run's model, or one that fluid saved, as ONNX that was proved to be the same model.

runs/NAME/onnx/model.onnx    `img` [batch, 1, 28, 28] to `prediction` [batch, 10], with labels and preprocessing inside
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from export.conversion.compare import Tolerance
from export.conversion.paddle_files import load_2x
from export.conversion.signature import Signature, TensorSpec
from export.images import run_dataset, sample_batches
from fluidline.errors import UsageError
from fluidline.runs import DEFAULT_ROOT, LATEST, RunFolder, find_run

DEFAULT_OPSET = 17
TOLERANCE = Tolerance(atol=5e-6, rtol=5e-6)  # for probabilities at most 1e-5
BATCH, INPUT, OUTPUT = "batch", "img", "prediction"
MADE_BY = "python -m export onnx"


def export_onnx(run: RunFolder, data: str | None = None, opset: int = DEFAULT_OPSET) -> dict[str, Any]:
    """Convert the run's inference model to ONNX, and return the stage's entry in the manifest.

    The file is compared with the Paddle executor on test images before it counts: those of `data`, or of what the run
    was trained on where it is None. The opset is raised where an operator needs it. Raises RunError where the run has
    no inference model, DataError where that is damaged, FluidlineError where paddle2onnx fails, and ValidationError,
    with nothing written, where the ONNX model is not the same model.
    """
    from export.conversion.convert import to_onnx, write_validated  # onnx and onnxruntime, which --help can do without
    from export.conversion.rewrite import rewrite

    with run.lock():
        entry = run.read_stage("inference", "python -m export inference")
        batches, source = sample_batches(run_dataset(run, data), entry)
        model = load_2x(run.inference / "model")
        expected = [model.run({model.inputs[0].name: batch}) for batch in batches]
        signature = Signature((_spec(INPUT, entry["input"]),), (_spec(OUTPUT, entry["output"]),))
        metadata = {
            "labels": json.dumps(entry["labels"], ensure_ascii=False),
            "preprocessing": json.dumps(entry["preprocessing"]),
            "model": entry["model"],
            "run": run.name,
        }
        converted = to_onnx(rewrite(model), signature, entry["model"], metadata, opset)
        feeds = [{INPUT: batch} for batch in batches]
        report = write_validated(converted, run.onnx, signature, feeds, expected, TOLERANCE)
        details = {
            **{key: entry[key] for key in ("model", "data", "labels", "preprocessing")},
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
@click.option("--data", help="Data set whose test images are compared on; else what the run was trained on.")
@click.option("--from-fluid", "folder", type=click.Path(path_type=Path), help="Folder of a model that fluid 1.x saved.")
@click.option("--model-filename", help="File of that model's program.  [default: __model__, or the only one]")
@click.option(
    "--params", "params_filename", help="File of all its parameters.  [default: a file each, or the only one]"
)
@click.option("--out", type=click.Path(path_type=Path), help="ONNX file to write from it; a summary goes beside it.")
@click.option("--opset", type=click.IntRange(7, 19), default=DEFAULT_OPSET, show_default=True, help="ONNX opset.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made and measured as JSON.")
def command(
    name: str | None,
    runs_dir: Path,
    data: str | None,
    folder: Path | None,
    model_filename: str | None,
    params_filename: str | None,
    out: Path | None,
    opset: int,
    as_json: bool,
) -> None:
    """Convert a run's inference model, or with --from-fluid a model that fluid saved, to validated ONNX."""
    if folder is None:
        if out or params_filename or model_filename:
            raise UsageError("--out, --params and --model-filename go with --from-fluid (a run's file has its place)")
        run = find_run(name or LATEST, runs_dir)
        made, path = export_onnx(run, data, opset), run.onnx
    else:
        if out is None:
            raise UsageError("--from-fluid needs --out FILE, the ONNX file to write")
        if name or data:
            raise UsageError("--run and --data do not go with --from-fluid (it converts a folder, on random inputs)")
        from export.conversion.from_fluid import convert_fluid

        made, path = convert_fluid(folder, out, model_filename, params_filename, opset), out
    click.echo(json.dumps(made, indent=2, ensure_ascii=False) if as_json else _as_text(path, made))


def _as_text(path: Path, made: dict[str, Any]) -> str:
    validation = made["validation"]
    lines = [f"wrote {path} (opset {made['opset']}, {made['nodes']} nodes)"]
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
