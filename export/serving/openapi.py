"""The API's description, OpenAPI 3.1, made of the table of routes and the types that requests are read as."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from export.kind import Images, Kind, Table
from export.serving.board import STATUSES
from export.serving.forms import JsonImages, JsonRows
from export.serving.oip_request import InferRequest
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
    422: "not what the model takes, or no such option",
    431: "the headers are too large",
    500: "the server failed",
    503: "busy, starting or stopping: see Retry-After",
}

_DESCRIPTION = (
    "Says what models make of images, such as handwritten digits, or of rows of tables: which label is likeliest, or a"
    " value. /models says which of these each one is. An error is answered with"
    ' `{"error": {"code", "message", "hint"}}`, and below /v2 with `{"error": "message"}`. Every answer has an'
    " `x-request-id`: that of the request, or one made for it."
)

_NUMBER, _TEXT = {"type": "number"}, {"type": "string"}
_ANSWERS = {
    "Prediction": {
        "type": "object",
        "anyOf": [{"required": ["label", "probability", "probabilities"]}, {"required": ["value"]}],
        "properties": {
            "value": {**_NUMBER, "description": "of a model that gives no labels"},
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


def document(settings: Settings, kinds: Sequence[Kind] = ()) -> dict[str, Any]:
    """Return the description of what a server with these settings, and models of these kinds, answers."""
    takes = [kind.takes for kind in kinds if kind.takes is not None] or [Images()]
    (images, rows, infer), schemas = msgspec.json.schema_components(
        [JsonImages, JsonRows, InferRequest], ref_template="#/components/schemas/{name}"
    )
    bodies = []
    for form, taken, reference in ((JsonImages, Images, images), (JsonRows, Table, rows)):
        schema = schemas.pop(form.__name__)
        if shapes := [_item(one) for one in takes if isinstance(one, taken)]:
            schemas[form.__name__] = _body_schema(schema, shapes, settings.max_images)
            bodies.append(reference)
    forms = _forms(bodies, takes)
    paths: dict[str, Any] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, forms, infer, settings)
    components: dict[str, Any] = {"schemas": schemas | _ANSWERS}
    if settings.api_key:
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Fluidline", "version": __version__, "description": _DESCRIPTION},
        "paths": paths,
        "components": components,
    }


def _operation(route: Route, forms: dict[str, Any], infer: dict[str, Any], settings: Settings) -> dict[str, Any]:
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
        operation["requestBody"] = {"required": True, "content": forms}
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


def _forms(bodies: list[dict[str, Any]], takes: Sequence[Images | Table]) -> dict[str, Any]:
    """Return the bodies that /predict takes, by Content-Type."""
    file = {"type": "string", "format": "binary"}
    name = "pixels" if isinstance(takes[0], Images) else "features"
    forms: dict[str, Any] = {
        "application/json": {
            "schema": bodies[0] if len(bodies) == 1 else {"anyOf": bodies},
            "example": {name: [0] * takes[0].count},
        },
        "application/octet-stream": {"schema": file},
    }
    if any(isinstance(one, Images) for one in takes):
        forms["image/*"] = {"schema": file}
        forms["multipart/form-data"] = {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "array", "items": file, "minItems": 1}},
            }
        }
    return forms


class _Item(NamedTuple):
    """Schemas of one image or row: raw, and as the model takes it."""

    raw: dict[str, Any]
    tensor: dict[str, Any]


def _item(takes: Images | Table) -> _Item:
    if isinstance(takes, Table):
        row = _several(_NUMBER, takes.count, takes.count)
        return _Item(row, row)
    low, high = sorted((takes.shift, 255 * takes.scale + takes.shift))  # of pixels; the model takes others too
    return _Item(
        _image({**_NUMBER, "minimum": 0, "maximum": 255}, takes),
        _image({**_NUMBER, "minimum": low, "maximum": high}, takes),
    )


def _image(number: dict[str, Any], takes: Images) -> dict[str, Any]:
    height, width = takes.size
    rows = _several(_several(number, width, width), height, height)
    return {"anyOf": [_several(number, takes.count, takes.count), rows, _several(rows, 1, 1)]}


def _several(item: dict[str, Any], low: int, high: int) -> dict[str, Any]:
    return {"type": "array", "items": item, "minItems": low, "maxItems": high}


def _body_schema(schema: dict[str, Any], items: Sequence[_Item], most: int) -> dict[str, Any]:
    """Return the schema of a body with what its types do not say: the shapes, and that it is one of the two."""
    forms = []
    for name, described in schema["properties"].items():
        shapes = [item.tensor if name == "tensor" else item.raw for item in items]
        unlike = [shape for index, shape in enumerate(shapes) if shape not in shapes[:index]]
        several = [_several(shape, 1, most) for shape in unlike]
        properties = {name: {"description": described["description"], "anyOf": [*unlike, *several]}}
        forms.append({"type": "object", "required": [name], "properties": properties, "additionalProperties": False})
    return {"title": schema["title"], "description": schema["description"], "oneOf": forms}
