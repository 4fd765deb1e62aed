"""A request, and the one answer that it gets."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from export.serving.errors import RequestError

if TYPE_CHECKING:
    from export.serving.connection import Connection

JSON = b"application/json"
_STATUS_LINES = {status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_REQUEST_ID = re.compile(rb"[\x21-\x7e]{1,128}")


class Exchange:
    """A request whose answer may come now or later. `headers` has lower-case names; `started` is of perf_counter."""

    __slots__ = (
        *("body", "closes", "connection", "headers", "id", "keeps_alive_1_0"),
        *("method", "path", "query", "response", "route", "size", "started"),
    )

    def __init__(self, connection: Connection, started: float) -> None:
        self.connection: Connection | None = connection  # None once nobody waits for the answer
        self.started = started
        self.method = b""
        self.path = b""
        self.query = b""
        self.headers: dict[bytes, bytes] = {}
        self.body = b""
        self.size = 0
        self.id = b""
        self.route = 0  # its place in the table of routes; the first is for what matches none
        self.closes = False  # the connection, after the answer
        self.keeps_alive_1_0 = False
        self.response: bytes | None = None

    def answer(self, status: int, body: bytes, content_type: bytes = JSON, headers: bytes = b"") -> None:
        """Send the answer as soon as those before it on the same connection are sent; `headers` are whole lines."""
        connection = self.connection
        if connection is None or self.response is not None:
            return
        server = connection.server
        if self.closes or (server.draining and self is connection.exchanges[-1]):
            self.closes = True
            headers += b"connection: close\r\n"
        elif self.keeps_alive_1_0:
            headers += b"connection: keep-alive\r\n"
        self.identify()
        head = b"%bdate: %b\r\nx-request-id: %b\r\ncontent-type: %b\r\ncontent-length: %d\r\n%b\r\n" % (
            *(_STATUS_LINES[status], server.date, self.id, content_type, len(body)),
            headers,
        )
        self.response = head if self.method == b"HEAD" else head + body
        server.answered(self, status)
        connection.flush()

    def identify(self) -> bytes:
        """Return the id that the client gave, or else one made for the request."""
        if not self.id and self.connection is not None:
            given = self.headers.get(b"x-request-id")
            self.id = given if given and _REQUEST_ID.fullmatch(given) else self.connection.server.make_id()
        return self.id

    def fail(self, error: RequestError) -> None:
        """Answer with an error, in the form of the part of the API that was asked."""
        body = error.inference_protocol_body() if self.path.startswith(b"/v2") else error.body()
        self.answer(error.status, body, headers=error.headers)
