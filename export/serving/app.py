"""From a request to its handler."""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson

from export.serving import page
from export.serving.board import Board, Row
from export.serving.docs import docs_page
from export.serving.errors import RequestError, internal
from export.serving.exchange import JSON, Exchange
from export.serving.images import Decoder
from export.serving.models import Models, Served
from export.serving.oip import InferenceProtocol
from export.serving.openapi import document
from export.serving.predict import Predict
from export.serving.routes import LABELS, PAGE, ROUTES
from export.serving.settings import Settings

Handler = Callable[..., None]

log = logging.getLogger(__name__)


class Target(NamedTuple):
    """What is at a path: its place in the metrics, a handler for each method, and the parts of the path that vary."""

    label: int
    handlers: dict[bytes, Handler]
    arguments: tuple[str, ...]
    open: bool


class App:
    """Hands each request to its handler, and answers what goes wrong with it."""

    def __init__(self, settings: Settings, models: Models, board: Board, row: Row) -> None:
        self._settings = settings
        self._key = settings.api_key.encode() if settings.api_key else None
        self._models = models
        self._board = board
        self._row = row
        self.decoder = Decoder(settings)
        self.stopping = False
        protocol = InferenceProtocol(settings, models)
        self._handlers: dict[str, Handler] = {
            "predict": Predict(settings, models, self.decoder),
            "list_models": self._list_models,
            "live": _live,
            "ready": self._ready,
            "metrics": self._metrics,
            "openapi": self._openapi,
            "docs": self._docs,
            "server_metadata": protocol.server,
            "model_metadata": protocol.model,
            "model_ready": protocol.model_ready,
            "repository_index": protocol.repository,
            "infer": protocol.infer,
        }
        self._targets = _Targets(self._handlers)

    def __call__(self, exchange: Exchange) -> None:
        """Answer a request, at once or later."""
        try:
            target = self._targets.find(exchange.path)
            exchange.route = target.label
            handler = target.handlers.get(exchange.method)
            if handler is None:
                raise _not_allowed(exchange, target)
            if self._key is not None and not target.open:
                self._check_key(exchange)
            handler(exchange, *target.arguments)
        except RequestError as error:
            exchange.fail(error)
        except Exception:
            log.exception("a request failed", extra={"request": exchange.identify().decode("latin-1")})
            exchange.fail(internal())

    def _check_key(self, exchange: Exchange) -> None:
        assert self._key is not None
        given = exchange.headers.get(b"x-api-key") or exchange.headers.get(b"authorization", b"").removeprefix(
            b"Bearer "
        )
        if not hmac.compare_digest(given, self._key):
            raise RequestError(
                *(401, "unauthorised", "the API key is missing or wrong", "send it as Authorization: Bearer KEY"),
                b"www-authenticate: Bearer\r\n",
            )

    def _list_models(self, exchange: Exchange) -> None:
        by_name: dict[str, list[Served]] = {}
        for served in self._models.served:
            by_name.setdefault(served.name, []).append(served)
        models = [_describe(versions[0]) | {"versions": [s.version for s in versions]} for versions in by_name.values()]
        exchange.answer(200, orjson.dumps({"models": models}))

    def _ready(self, exchange: Exchange) -> None:
        if self.stopping or not self._row["ready"] or not self._board.has_started():
            state = "stopping" if self.stopping else "starting"
            raise RequestError(503, state, f"the server is {state}", "try again", b"retry-after: 1\r\n")
        workers = {"ready": int(self._board.totals()["ready"]), "of": self._board.workers}
        answer = {"status": "ready", "models": [_describe(s) for s in self._models.served], "workers": workers}
        exchange.answer(200, orjson.dumps(answer))

    def _openapi(self, exchange: Exchange) -> None:
        _send(JSON, orjson.dumps(self._document()), exchange)

    def _docs(self, exchange: Exchange) -> None:
        _send(b"text/html; charset=utf-8", docs_page(self._document()), exchange)

    def _document(self) -> dict[str, Any]:
        return document(self._settings, [served.model.kind for served in self._models.served])

    def _metrics(self, exchange: Exchange) -> None:
        from export.serving.metrics import CONTENT_TYPE, exposition  # loaded by the worker once it is ready

        exchange.answer(200, exposition(self._board, LABELS, self._models.served), CONTENT_TYPE)


def _live(exchange: Exchange) -> None:
    exchange.answer(200, b'{"status":"live"}')


def _send(content_type: bytes, body: bytes, exchange: Exchange) -> None:
    exchange.answer(200, body, content_type, page.HEADERS)


def _describe(served: Served) -> dict[str, object]:
    kind, takes = served.model.kind, served.model.kind.takes
    return {
        "name": served.name,
        "version": served.version,
        "takes": takes.as_json() if takes else {"kind": "tensors"},
        "task": kind.task,
        "labels": kind.labels,
        "provider": served.model.provider,
    }


def _not_allowed(exchange: Exchange, target: Target) -> RequestError:
    allowed = b", ".join(target.handlers)
    message = f"{exchange.method.decode('latin-1')} is not for this path"
    return RequestError(405, "method_not_allowed", message, f"use {allowed.decode()}", b"allow: %b\r\n" % allowed)


class _Targets:
    """What is at each path; found again at once where it was found before."""

    def __init__(self, handlers: dict[str, Handler]) -> None:
        self._exact: dict[str, Target] = {}
        self._patterns: list[tuple[re.Pattern[str], Target]] = []
        for route in ROUTES:
            by_method = {route.method.encode(): handlers[route.operation]}
            if route.method == "GET":
                by_method[b"HEAD"] = handlers[route.operation]
            target = Target(LABELS.index(route.path), by_method, (), route.open)
            if "{" in route.path:
                self._patterns.append((re.compile(re.sub(r"\{\w+\}", "([^/]+)", route.path)), target))
            else:
                self._exact[route.path] = target
        for path, asset in page.assets().items():
            handler = partial(_send, asset.content_type, asset.body)
            self._exact[path] = Target(PAGE, {b"GET": handler, b"HEAD": handler}, (), True)
        self.find = lru_cache(maxsize=1024)(self._find)

    def _find(self, path: bytes) -> Target:
        text = path.decode("latin-1")
        if text in self._exact:
            return self._exact[text]
        for pattern, target in self._patterns:
            if match := pattern.fullmatch(text):
                return target._replace(arguments=tuple(map(unquote, match.groups())))
        known = ", ".join(sorted(self._exact))
        raise RequestError(
            404, "not_found", f"there is no {unquote(text)[:200]}", f"there is: {known}, and more in /docs"
        )
