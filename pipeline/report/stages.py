"""What the stages after the training made: exported models, benchmark, files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fluidline.files import sha256
from pipeline.report import words
from pipeline.report.markup import Html, element, facts, join, number, picture, table
from pipeline.report.subject import Subject


def agreement(subject: Subject) -> Html:
    """How far the answers of the exported models are from those of the model that each was made from."""
    onnx = onnx_stage(subject)
    before, validation = subject.stages["inference"]["validation"], onnx["validation"]
    rows = [_difference(f"{name}/", found, before) for name, found in before["differences"].items()]
    rows += [_difference("onnx/model.onnx", found, validation) for found in validation["outputs"]]
    header = ("model", "output", "largest difference", "allowed", "answer there", "answer before", "at")
    return join(
        [
            table("The largest difference of an answer from that of the model before it", header, rows),
            element(
                "p",
                f"model.onnx, opset {onnx['opset']} with {onnx['nodes']} nodes, passed {', '.join(validation['checks'])} on"
                f" {validation['inputs']}, in batches of {', '.join(map(str, validation['batches']))}.",
            ),
            facts((f"batch_norm {output}", what) for output, what in onnx.get("batch_norms", {}).items()),
        ]
    )


def onnx_stage(subject: Subject) -> dict[str, Any]:
    """Return the manifest's entry of the stage "onnx"; NotYetError where it has not run."""
    return subject.stage("onnx", "Not exported yet.")


def benchmark(subject: Subject) -> Html:
    """How fast each backend runs the model."""
    bench = subject.bench
    measured = [each for each in bench["backends"] if each["timings"]]
    machine, protocol = bench["environment"], bench["protocol"]
    share = machine.get("other_cpu_share")  # None where the machine does not say
    busy = "" if share is None else f" Other processes took {share:.0%} of the processors meanwhile."
    return join(
        [
            element(
                "p",
                f"On {machine['cpu_model']}, {machine['cpu_cores']} cores, {protocol['threads']} threads a backend,"
                f" {words.moment(subject.stages['bench']['time'])}; {protocol['images']}.{busy}",
            ),
            table("Backends", _BACKEND_HEADER, map(_backend, measured)),
            _rates(measured),
            _picture(subject),
            facts((each["name"], f"not measured: {each['reason']}") for each in bench["backends"] if each["reason"]),
            facts((f"Chosen for {purpose}", _setting(chosen)) for purpose, chosen in _chosen(bench).items()),
        ]
    )


def fastest(subject: Subject) -> str | None:
    """Return which backend gives the most images a second, in words; None where none could be measured."""
    rates = [
        (timing["throughput_images_per_s"], backend["name"], timing["batch"])
        for backend in subject.bench["backends"]
        for timing in backend["timings"]
    ]
    if not rates:
        return None
    rate, name, batch = max(rates)
    return f"{words.number(rate)} images/s, {name}, in batches of {batch}"


def files(subject: Subject) -> Html:
    """What the stages wrote, and whether it still is what they wrote."""
    subject.stage("train", "No stage is finished.")
    rows = [
        (file, stage, *_state(subject, file, digest), element("code", digest))
        for stage, entry in subject.stages.items()
        for file, digest in entry["files"].items()
    ]
    return table("Files that the manifest names", ("file", "stage", "size", "now", "SHA-256 as written"), rows)


def _difference(model: str, found: Mapping[str, Any], validation: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        model,
        found["output"],
        number(words.difference(found["largest"])),
        f"{validation['atol']:g} + {validation['rtol']:g} x largest",
        number(f"{found['found']:.9g}"),
        number(f"{found['reference']:.9g}"),
        f"{list(found['index'])}, batch {found['batch']}",
    )


_BACKEND_HEADER = (
    "backend", "version", "cold start, ms", "peak memory, MiB", "one image, ms", "most images/s", "difference",
)  # fmt: skip


def _backend(backend: Mapping[str, Any]) -> tuple[Any, ...]:
    first, most = backend["timings"][0], max(each["throughput_images_per_s"] for each in backend["timings"])
    one = words.number(first["p50_ms"]) if first["batch"] == 1 else ""
    difference = backend["largest_difference"]
    return (
        backend["name"],
        backend["version"] or "",
        *(number("" if value is None else words.number(value)) for value in map(backend.get, _START)),
        number(one),
        number(words.number(most)),
        number("reference" if difference is None else words.difference(difference)),
    )


_START = ("cold_start_ms", "memory_peak_mib")


def _rates(measured: Sequence[Mapping[str, Any]]) -> Html:
    if not measured:
        return Html()
    columns = [[number(words.number(each["throughput_images_per_s"])) for each in row["timings"]] for row in measured]
    batches = [each["batch"] for each in measured[0]["timings"]]
    rows = zip(batches, *columns, strict=True)
    return table("Images/s by batch size", ("batch", *(each["name"] for each in measured)), rows)


def _picture(subject: Subject) -> Html:
    from PIL import Image

    path = subject.run.bench / "bench.png"
    try:
        with Image.open(path) as image:
            drawn = picture(image, "Latency and throughput of each backend over the batch size")
    except OSError as error:  # not there, where nothing could be measured
        return element("p", f"No picture: {error}.")
    return element("p", drawn, class_="paper")


def _chosen(bench: Mapping[str, Any]) -> Mapping[str, Any]:
    tuning = bench.get("tuning") or {}
    chosen: Mapping[str, Any] = tuning.get("chosen", {})
    return chosen


def _setting(setting: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in setting.items())


def _state(subject: Subject, file: str, digest: str) -> Iterator[Any]:
    path = subject.run.path / file
    there = path.is_file()
    yield number(words.size(path.stat().st_size) if there else "")
    same = there and sha256(path) == digest
    yield "as written" if same else element("strong", "changed since" if there else "gone")
