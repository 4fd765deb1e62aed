"""The API's description, OpenAPI 3.1, made of the table of routes and the types that requests are read as."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from export.model import SIDE
from export.serving.board import STATUSES
from export.serving.forms import JsonImages
from export.serving.oip import InferRequest
from export.serving.options import Options
from export.serving.routes import ROUTES, Route
from export.serving.settings import Settings
from fluidline import __version__

_REFUSALS = {
    400: "malformed: no JSON, no multipart",
    401: "the API key is missing or wrong",
    404: "no such path, model or version",
    405: "not with this method",
    408: "the request did not arrive in time",
    413: "too large, too many images or too many pixels",
    415: "this Content-Type is not taken",
    422: "no images of 28x28, or no such option",
    431: "the headers are too large",
    500: "the server failed",
    503: "busy, starting or stopping: see Retry-After",
}

_DESCRIPTION = (
    "Classifies images of 28x28, such as handwritten digits. An error is answered with"
    ' `{"error": {"code", "message", "hint"}}`, and below /v2 with `{"error": "message"}`. Every answer has an'
    " `x-request-id`: that of the request, or one made for it."
)

_NUMBER, _TEXT = {"type": "number"}, {"type": "string"}
_RANGE = {
    **_NUMBER,
    "minimum": -1,
    "maximum": 1,
}  # what the pixels are; others are taken too, as far as they are finite
_ANSWERS = {
    "Prediction": {
        "type": "object",
        "required": ["label", "probability", "probabilities"],
        "properties": {
            "label": {**_TEXT, "description": "the likeliest"},
            "probability": {**_NUMBER, "description": "of that label"},
            "probabilities": {"type": "array", "items": _NUMBER, "description": "of each label, as /models lists them"},
            "top": {
                "type": "array",
                "items": {"type": "object", "properties": {"label": _TEXT, "probability": _NUMBER}},
                "description": "the likeliest labels, falling, where asked for",
            },
            "pixels": {
                "type": "array",
                "items": {"type": "integer", "minimum": 0, "maximum": 255},
                "description": "what the model was given, light ink on dark, where asked for",
            },
        },
    },
    "Predictions": {
        "type": "object",
        "required": ["model", "version", "predictions"],
        "properties": {
            "model": _TEXT,
            "version": _TEXT,
            "predictions": {"type": "array", "items": {"$ref": "#/components/schemas/Prediction"}},
            "timing": {
                "type": "object",
                "additionalProperties": _NUMBER,
                "description": "milliseconds to read, wait, in the model, in total; and the images in the batch",
            },
        },
    },
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message", "hint"],
                "properties": {"code": _TEXT, "message": _TEXT, "hint": _TEXT},
            }
        },
    },
    "ProtocolError": {"type": "object", "required": ["error"], "properties": {"error": _TEXT}},
}


def document(settings: Settings) -> dict[str, Any]:
    """Return the description of what a server with these settings answers."""
    (images, infer), schemas = msgspec.json.schema_components(
        [JsonImages, InferRequest], ref_template="#/components/schemas/{name}"
    )
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, images, infer, settings)
    schemas["JsonImages"] = _images_schema(schemas["JsonImages"], settings.max_images)
    components: dict[str, Any] = {"schemas": schemas | _ANSWERS}
    if settings.api_key:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fluidline", "version": __version__, "description": _DESCRIPTION},
        "paths": paths,
        "components": components,
    }


def _operation(route: Route, images: dict[str, Any], infer: dict[str, Any], settings: Settings) -> dict[str, Any]:
    answer, content_type = _answer(route)
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": re.sub(r"\W+", "_", f"{route.method} {route.path}").strip("_").lower(),
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
            for name in re.findall(r"\{(\w+)\}", route.path)
        ],
        "responses": {"200": {"description": "done", "content": {content_type: {"schema": answer}}}},
    }
    if route.operation == "predict":
        operation["parameters"] = _query()
        operation["requestBody"] = {"required": True, "content": _forms(images)}
    elif route.operation == "infer":
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": infer}}}
    error = "ProtocolError" if route.path.startswith("/v2") else "Error"
    for status in STATUSES[1:]:
        if status == 401 and (route.open or not settings.api_key):
            continue
        operation["responses"][str(status)] = {
            "description": _REFUSALS[status],
            "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{error}"}}},
        }
    if settings.api_key and not route.open:
        operation["security"] = [{"key": []}]
    return operation


def _answer(route: Route) -> tuple[dict[str, Any], str]:
    if route.operation == "predict":
        return {"$ref": "#/components/schemas/Predictions"}, "application/json"
    if route.operation == "metrics":
        return {"type": "string"}, "text/plain"
    if route.operation == "docs":
        return {"type": "string"}, "text/html"
    return {"type": "array" if route.operation == "repository_index" else "object"}, "application/json"


def _query() -> list[dict[str, Any]]:
    _, schemas = msgspec.json.schema_components([Options])
    properties = schemas["Options"]["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "description": schema.pop("description", ""),
            "schema": {key: value for key, value in schema.items() if value is not None} | _plain(schema),
        }
        for name, schema in properties.items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what replaces a nullable type: a query has no null, one leaves the parameter out."""
    if "anyOf" not in schema:
        return {}
    del schema["anyOf"]
    return {"type": "string", "minLength": 1}


def _forms(images: dict[str, Any]) -> dict[str, Any]:
    file = {"type": "string", "format": "binary"}
    return {
        "application/json": {
            "schema": images,
            "example": {"pixels": [0] * (SIDE * SIDE)},
        },
        "image/*": {"schema": file},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "array", "items": file, "minItems": 1}},
            }
        },
        "application/octet-stream": {"schema": file},
    }


def _images_schema(schema: dict[str, Any], max_images: int) -> dict[str, Any]:
    """Return the schema of JsonImages with what its types do not say: the shapes, and that it is one of the two."""

    def several(item: dict[str, Any], low: int, high: int) -> dict[str, Any]:
        return {"type": "array", "items": item, "minItems": low, "maxItems": high}

    forms = []
    for name, number in (("pixels", {**_NUMBER, "minimum": 0, "maximum": 255}), ("tensor", _RANGE)):
        flat = several(number, SIDE * SIDE, SIDE * SIDE)
        rows = several(several(number, SIDE, SIDE), SIDE, SIDE)
        image = {"anyOf": [flat, rows, several(rows, 1, 1)]}
        described = {"description": schema["properties"][name]["description"]}
        forms.append(
            {
                "type": "object",
                "required": [name],
                "properties": {name: {**described, "anyOf": [image, several(image, 1, max_images)]}},
                "additionalProperties": False,
            }
        )
    return {"title": "JsonImages", "description": schema["description"], "oneOf": forms}
