"""Every path that the server answers, and what it is for: what the app, the API's description and the metrics go by."""

from __future__ import annotations

from typing import NamedTuple


class Route(NamedTuple):
    """A path and its method; `{}` parts of it are handed to the `operation`, a handler by name.

    `open` needs no API key.
    """

    method: str
    path: str
    operation: str
    summary: str
    open: bool = False


ROUTES = (
    Route("POST", "/predict", "predict", "Say which label, or value, each image or row has"),
    Route("GET", "/models", "list_models", "List the models that are served"),
    Route("GET", "/health", "ready", "The same as /health/ready", open=True),
    Route("GET", "/health/live", "live", "Say whether the process answers", open=True),
    Route("GET", "/health/ready", "ready", "Say whether all models are loaded and answer rightly", open=True),
    Route("GET", "/metrics", "metrics", "Counts and durations, for Prometheus"),
    Route("GET", "/openapi.json", "openapi", "This description", open=True),
    Route("GET", "/docs", "docs", "The description to read", open=True),
    Route("GET", "/v2", "server_metadata", "Open Inference Protocol: the server"),
    Route("GET", "/v2/health/live", "live", "Open Inference Protocol: whether the process answers", open=True),
    Route("GET", "/v2/health/ready", "ready", "Open Inference Protocol: whether all models are ready", open=True),
    Route("POST", "/v2/repository/index", "repository_index", "Open Inference Protocol: the models"),
    *(
        Route(method, f"/v2/models/{{name}}{version}{action}", operation, f"Open Inference Protocol: {summary}")
        for version in ("", "/versions/{version}")
        for method, action, operation, summary in (
            ("GET", "", "model_metadata", "a model's inputs and outputs"),
            ("GET", "/ready", "model_ready", "whether a model is ready"),
            ("POST", "/infer", "infer", "run a model on a tensor"),
        )
    ),
)

# What the metrics call them: the first is for what is none of these, the second for the files of the page.
LABELS = ("other", "page", *dict.fromkeys(route.path for route in ROUTES))
OTHER, PAGE = 0, 1
