"""The API's description as a page to read: plain HTML, made once, with nothing to load from anywhere."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_EXAMPLES = """\
curl --data-binary @digit.png -H 'Content-Type: image/png' HOST/predict
curl -F file=@one.png -F file=@two.jpg 'HOST/predict?fit=1&top=3'
curl --json '{"pixels": [0, 0, ...]}' HOST/predict
curl --json '{"features": [0.00632, 18.0, ...]}' 'HOST/predict?model=houses'
curl --data-binary @images.f32 -H 'Content-Type: application/octet-stream' HOST/predict
"""


def docs_page(document: dict[str, Any]) -> bytes:
    """Return an OpenAPI document as HTML."""
    info = document["info"]
    operations = "".join(
        _operation(method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    )
    schemas = "".join(
        f"<section id='{escape(name)}'><h3>{escape(name)}</h3>{_json(schema)}</section>"
        for name, schema in document["components"]["schemas"].items()
    )
    return (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'><link rel='icon' href='data:,'>"
        f"<title>{escape(info['title'])}: the API</title><link rel='stylesheet' href='docs.css'></head><body>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1><p>{escape(info['description'])}"
        " For programs: <a href='openapi.json'>openapi.json</a>.</p>"
        f"<pre>{escape(_EXAMPLES)}</pre>{operations}<h2>Schemas</h2>{schemas}</body></html>"
    ).encode()


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parts = [f"<section><h2><code>{method.upper()} {escape(path)}</code></h2><p>{escape(operation['summary'])}.</p>"]
    if operation["parameters"]:
        rows = "".join(_parameter(parameter) for parameter in operation["parameters"])
        parts.append(f"<table><tr><th>Parameter</th><th>Type</th><th></th></tr>{rows}</table>")
    for content_type, content in operation.get("requestBody", {}).get("content", {}).items():
        parts.append(f"<p>Takes <code>{escape(content_type)}</code>: {_schema(content['schema'])}</p>")
    for status, response in operation["responses"].items():
        if status == "200":
            for content_type, content in response["content"].items():
                parts.append(f"<p>Answers <code>{escape(content_type)}</code>: {_schema(content['schema'])}</p>")
    refusals = "".join(
        f"<li><code>{status}</code> {escape(response['description'])}</li>"
        for status, response in operation["responses"].items()
        if status != "200"
    )
    parts.append(f"<details><summary>Refusals</summary><ul>{refusals}</ul></details></section>")
    return "".join(parts)


def _parameter(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    kind = " | ".join(schema["enum"]) if "enum" in schema else schema["type"]
    return (
        f"<tr><td><code>{escape(parameter['name'])}</code></td><td>{escape(kind)}</td>"
        f"<td>{escape(parameter.get('description', 'of the path'))}</td></tr>"
    )


def _schema(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"<a href='#{escape(name)}'>{escape(name)}</a>"
    if schema.get("format") == "binary":
        return "bytes"
    return escape(schema["type"]) if "type" in schema else " or ".join(map(_schema, schema["anyOf"]))


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2))}</pre>"
