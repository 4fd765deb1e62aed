"""One client's connection: HTTP/1.1 as httptools parses it, pipelined, limited in size and time, and half-closed.

A connection is in one of these states, `since` when:

    idle        no request begun and none unanswered: closed after a while
    receiving   a request has begun and is not whole: refused with 408 after a while
    answering   `exchanges` has requests without an answer: how long that may take is for those to say who answer
    lingering   the last answer is sent, and what still arrives is ignored: a close with unread bytes would make the
                client's system forget the answer
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from typing import TYPE_CHECKING

import httptools

from export.serving.errors import RequestError, busy, malformed, too_large
from export.serving.exchange import Exchange

if TYPE_CHECKING:
    from export.serving.server import HttpServer

MAX_HEAD = 32 * 1024  # bytes of request line and headers
MAX_HEADERS = 100
MAX_PIPELINED = 32  # unanswered requests of a connection; more are left in the socket
IDLE, LINGER = 75.0, 2.0  # seconds
_ORIGIN = re.compile(rb"^https?://[^/?]*")  # which a client may put before the path, as it does for a proxy


class Connection(asyncio.Protocol):
    """One client's connection; the server's `handle` gets its requests as they become whole."""

    __slots__ = (
        *("chunks", "deaf", "ended", "exchange", "exchanges", "head", "in_head", "lingering", "paused", "parser"),
        *("receiving", "refused", "server", "since", "target", "transport", "unparsed", "write_paused"),
    )

    def __init__(self, server: HttpServer) -> None:
        self.server = server
        self.parser = httptools.HttpRequestParser(self)
        self.exchanges: deque[Exchange] = deque()
        self.chunks: list[bytes] = []
        self.since = time.perf_counter()
        self.receiving = self.in_head = False
        self.deaf = self.refused = self.lingering = (
            False  # takes no more; because of an error; has sent the last answer
        )
        self.ended = False  # by the client, on its side
        self.paused = self.write_paused = False

    # What the event loop calls

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport
        self.server.connections.add(self)
        if len(self.server.connections) > self.server.limits.max_connections:
            self._begin()
            self.refuse(busy("too many connections"))

    def connection_lost(self, error: Exception | None) -> None:
        self.server.connections.discard(self)
        for exchange in self.exchanges:
            exchange.connection = None
            self.server.buffered -= exchange.size
        if self.receiving:
            self.server.buffered -= self.exchange.size
        self.exchanges.clear()
        self.receiving = False
        self.deaf = True

    def data_received(self, data: bytes) -> None:
        if self.deaf or (not self.receiving and not self.exchanges and self._take_known(data)):
            return
        begins = not self.receiving
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            if not self.deaf:
                if not self.receiving:
                    self._begin()
                self.refuse(malformed(f"this is no HTTP request: {error}", "send HTTP/1.1"))
        else:
            if begins and not self.receiving and not self.deaf:
                self.server.heads.keep(data, self.exchange)
        if self.in_head and not self.deaf:
            self.unparsed += len(data)
            self._check_head()

    def eof_received(self) -> bool:
        """Answer what was asked for before the client ended its side."""
        self.ended = True
        if self.receiving:
            self.refuse(malformed("the connection ended before the request did", "send as much as content-length says"))
        return bool(self.exchanges)

    def pause_writing(self) -> None:
        self.write_paused = True
        self.since = time.perf_counter()
        self._pause()

    def resume_writing(self) -> None:
        self.write_paused = False
        self._resume()

    # What the parser calls

    def on_message_begin(self) -> None:
        if not self.deaf:
            self._begin()

    def on_url(self, url: bytes) -> None:
        self.target += url
        self.head += len(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.head += len(name) + len(value) + 4
        self.exchange.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self.in_head = False
        if not self.deaf:
            self._check_head()
        if self.deaf:
            return
        exchange, parser, headers = self.exchange, self.parser, self.exchange.headers
        exchange.method = parser.get_method()
        if parser.should_upgrade():
            return
        target = self.target if self.target.startswith(b"/") else _ORIGIN.sub(b"", self.target) or b"/"
        exchange.path, _, exchange.query = target.partition(b"?")
        exchange.closes = not parser.should_keep_alive()
        exchange.keeps_alive_1_0 = not exchange.closes and parser.get_http_version() == "1.0"
        length = headers.get(b"content-length")
        if length is not None and int(length) > self.server.limits.max_body:
            self.refuse(self._body_too_large())
        elif b"expect" in headers and headers[b"expect"].lower() == b"100-continue" and not self.exchanges:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self.deaf:
            return
        exchange, server = self.exchange, self.server
        exchange.size += len(body)
        server.buffered += len(body)
        self.chunks.append(body)
        if exchange.size > server.limits.max_body:
            self.refuse(self._body_too_large())
        elif server.buffered > server.max_buffered:
            self.refuse(busy("the requests being received fill the memory set aside for them"))

    def on_message_complete(self) -> None:
        if self.deaf or self.parser.should_upgrade():
            return
        self.receiving = False
        exchange, chunks = self.exchange, self.chunks
        exchange.body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self.chunks = []
        self._hand_over(exchange)

    # What exchanges and the server call

    def flush(self) -> None:
        """Send the answers whose turn it is."""
        exchanges, transport = self.exchanges, self.transport
        while exchanges and (response := exchanges[0].response) is not None:
            exchange = exchanges.popleft()
            self.server.buffered -= exchange.size
            transport.write(response)
            if exchange.closes:
                self._linger()
                return
        if not exchanges and not self.receiving:
            self.since = time.perf_counter()
            if self.ended:
                transport.close()
        if self.paused and not self.write_paused:
            self._resume()

    def refuse(self, error: RequestError) -> None:
        """Answer the request that is being received with an error, and receive nothing more."""
        self.deaf = self.refused = True
        self.receiving = self.in_head = False
        self.exchange.closes = True
        self.chunks = []
        self.exchanges.append(self.exchange)
        self.exchange.fail(error)

    def check_time(self, now: float, timeout: float) -> None:
        """Do what is due after so long in the state that the connection is in."""
        age = now - self.since
        if self.lingering:
            if age > (timeout if self.transport.get_write_buffer_size() else LINGER):
                self.transport.abort()
        elif self.write_paused:
            if age > timeout:
                self.transport.abort()
        elif self.receiving:
            if age > timeout:
                hint = f"send a whole request within {timeout:g} seconds"
                self.refuse(RequestError(408, "timeout", "the request did not arrive in time", hint))
        elif not self.exchanges and age > IDLE:
            self.transport.close()

    def close_if_idle(self) -> None:
        """Close the connection unless something is being received or answered."""
        if not self.receiving and not self.exchanges and not self.lingering:
            self.transport.close()

    # Helpers

    def _take_known(self, data: bytes) -> bool:
        """Take a whole request whose head came before; False where it is something else, or there is no room for it."""
        server = self.server
        found = server.heads.find(data)
        if found is None or server.buffered + found[0].size > server.max_buffered:
            return False
        self.since = time.perf_counter()
        exchange = Exchange(self, self.since)
        (exchange.method, exchange.path, exchange.query, exchange.headers, exchange.size), exchange.body = found
        server.buffered += exchange.size
        self._hand_over(exchange)
        return True

    def _hand_over(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)
        if len(self.exchanges) > MAX_PIPELINED:
            self._pause()
        self.server.handle(exchange)

    def _begin(self) -> None:
        self.since = time.perf_counter()
        self.exchange = Exchange(self, self.since)
        self.receiving = self.in_head = True
        self.chunks = []
        self.target = b""
        self.head = self.unparsed = 0  # bytes of the head: in whole headers; in what came before it was whole

    def _decline(self, rest: bytes) -> None:
        """Read a request that offers another protocol as one that does not: the parser stops there, before its body."""
        exchange = self.exchange
        if exchange.method == b"CONNECT":
            self.refuse(malformed("this is no proxy", "send the request itself"))
            return
        kept = [item for item in exchange.headers.items() if item[0] not in (b"connection", b"upgrade")]
        headers = b"".join(b"%b: %b\r\n" % item for item in kept)
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(b"%b %b HTTP/1.1\r\n%b\r\n%b" % (exchange.method, self.target, headers, rest))

    def _check_head(self) -> None:
        if max(self.head, self.unparsed) > MAX_HEAD or len(self.exchange.headers) > MAX_HEADERS:
            hint = f"at most {MAX_HEADERS} headers in {MAX_HEAD} bytes"
            self.refuse(RequestError(431, "headers_too_large", "the headers are too large", hint))

    def _body_too_large(self) -> RequestError:
        limit = self.server.limits.max_body
        return too_large(f"the body is larger than {limit} bytes", "send fewer or smaller images (or raise --max-body)")

    def _linger(self) -> None:
        self.deaf = self.lingering = True
        self.since = time.perf_counter()
        for exchange in self.exchanges:  # that came after one that asked to close
            exchange.connection = None
            self.server.buffered -= exchange.size
        self.exchanges.clear()
        if self.refused and self.transport.can_write_eof():
            self.transport.write_eof()  # the client sees the end, and may still be sending
        else:
            self.transport.close()

    def _pause(self) -> None:
        if not self.paused and not self.transport.is_closing():
            self.paused = True
            self.transport.pause_reading()

    def _resume(self) -> None:
        if self.paused and len(self.exchanges) <= MAX_PIPELINED and not self.transport.is_closing():
            self.paused = False
            self.transport.resume_reading()
