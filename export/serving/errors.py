"""Why a request is refused: one exception, raised anywhere on its way, that carries the status and names the mend.

400 malformed   what was sent is no HTTP, no JSON, no multipart
401 forbidden   the API key is missing or wrong
404, 405        no such path or model; not with this method
408, 413, 431   too slow, too large, too many or too large headers
415, 422        a Content-Type that is not taken; content that is not what it says it is
503             full, starting or stopping: come again, Retry-After
"""

from __future__ import annotations

from typing import Any

import orjson


class RequestError(Exception):
    """A refusal: HTTP status, a code for programs, a message, and a hint at the mend; headers are raw lines."""

    def __init__(self, status: int, code: str, message: str, hint: str = "", headers: bytes = b"") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
        self.headers = headers

    def body(self) -> bytes:
        """Return the answer as JSON: `{"error": {"code", "message", "hint"}}`."""
        error: dict[str, Any] = {"code": self.code, "message": self.message, "hint": self.hint}
        return orjson.dumps({"error": error})

    def inference_protocol_body(self) -> bytes:
        """Return the answer as the Open Inference Protocol has it: `{"error": "message"}`."""
        return orjson.dumps({"error": f"{self.message} ({self.hint})" if self.hint else self.message})


def malformed(message: str, hint: str) -> RequestError:
    """The bytes are not what their kind of request is made of."""
    return RequestError(400, "malformed", message, hint)


def unprocessable(message: str, hint: str) -> RequestError:
    """Well formed, but not images of 28x28, or not with these options."""
    return RequestError(422, "unprocessable", message, hint)


def too_large(message: str, hint: str) -> RequestError:
    """Over a limit that the server was started with."""
    return RequestError(413, "too_large", message, hint)


def busy(message: str) -> RequestError:
    """More than the server can take at the moment."""
    return RequestError(503, "busy", message, "try again after a second", b"retry-after: 1\r\n")


def internal() -> RequestError:
    """A fault of the server's own; what it was is in its log, under the request's id."""
    return RequestError(500, "internal", "the server failed on this request", "its log has the reason, by x-request-id")
