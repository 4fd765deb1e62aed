"""Who takes part: ours, and the peers as their documentation would have them (benchmarks/peers)."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.serving.forms import V2
from fluidline.machine import cores

ROOT = Path(__file__).parents[2]
OURS = "fluidline"


@dataclass(frozen=True)
class Contender:
    """A server: how it is started, where "{port}" stands for the port, and the path of each form that it takes."""

    title: str
    command: Sequence[str]
    paths: Mapping[str, str]
    cwd: Path = ROOT


def contenders(model: Path, peers: Path | None) -> list[Contender]:
    """Return ours with all its features on, and the peers where a Python that has them is given."""
    serve = [
        sys.executable,
        "-m",
        "export",
        "serve",
        "--device",
        "cpu",
        "--port",
        "{port}",
        "--model",
        f"lenet={model}",
    ]
    paths = {**dict.fromkeys(("JSON", "raw", "PNG"), "/predict"), V2: "/v2/models/lenet/infer"}
    everyone = [Contender(OURS, serve, paths)]
    if peers:
        folder = ROOT / "benchmarks" / "peers"
        uvicorn = ["-m", "uvicorn", "fastapi_app:app", "--workers", str(cores()), "--no-access-log", "--port", "{port}"]
        mosec = ["mosec_app.py", "--timeout", "10000", "--port", "{port}"]
        paths = {"JSON": "/json", "raw": "/raw", "PNG": "/png"}
        everyone.append(Contender("FastAPI", [str(peers), *uvicorn], paths, folder))
        everyone.append(Contender("Mosec", [str(peers), *mosec], paths, folder))
    return everyone
