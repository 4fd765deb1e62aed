"""HTTP as clients really speak it: what a kept-alive, pipelining, hesitating or broken one may count on."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import suppress

import pytest
from bodies import floats
from bodies import http as request
from running import Answer, Connection, Server

RAW = {"Content_Type": "application/octet-stream"}


def talk(server: Server, sent: bytes, answers: int = 1) -> list[Answer]:
    with server.connect() as connection:
        connection.send(sent)
        return [connection.read() for _ in range(answers)]


def test_a_connection_is_kept_for_the_next_request(server):
    with server.connect() as connection:
        for label in (1, 2, 3):
            connection.send(request("POST", "/predict", floats(label), **RAW))
            assert connection.read().labels == [str(label)]


def test_pipelined_requests_are_answered_in_their_order(server):
    image = b"".join(request("POST", "/predict", floats(label), **RAW) for label in range(10))
    sent = image + request("GET", "/nothing") + request("GET", "/health/live") + image * 5
    answers = talk(server, sent, 62)
    assert [answer.labels[0] for answer in answers[:10]] == [str(label) for label in range(10)]
    assert [answer.status for answer in answers[10:12]] == [404, 200]
    assert [answer.labels[0] for answer in answers[12:]] == [str(label) for label in range(10)] * 5


def test_a_request_may_come_byte_by_byte_and_in_chunks(server):
    body = floats(6)
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:1], body[1:2000], body[2000:]))
    head = b"POST /predict HTTP/1.1\r\nHost: t\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    sent = head + chunks + b"0\r\n\r\n"
    with server.connect() as connection:
        for index in range(200):
            connection.send(sent[index : index + 1])
        connection.send(sent[200:])
        assert connection.read().labels == ["6"]


def test_a_client_that_asks_first_is_told_to_continue_or_why_not(server):
    with server.connect() as connection:
        sent = request("POST", "/predict", floats(2), **RAW, Expect="100-continue")
        connection.send(sent[:-3136])
        assert connection.stream.readline() == b"HTTP/1.1 100 Continue\r\n"
        assert connection.stream.readline() == b"\r\n"
        connection.send(sent[-3136:])
        assert connection.read().labels == ["2"]
    too_long = {"Content_Length": "99999999", "Expect": "100-continue"}
    assert talk(server, request("POST", "/predict", **RAW, **too_long))[0].status == 413


def test_the_offer_of_another_protocol_is_declined(server):
    offer = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2_Settings": "AAMAAABkAAQAAP__"}
    sent = request("POST", "/predict", floats(3), **RAW, **offer) + request("GET", "/health/live", **offer)
    answers = talk(server, sent + request("GET", "/health/live"), 3)
    assert answers[0].labels == ["3"]
    assert [answer.status for answer in answers[1:]] == [200, 200]
    assert talk(server, b"CONNECT example.org:80 HTTP/1.1\r\nHost: example.org\r\n\r\n")[0].status == 400


def test_a_client_closes_its_side_and_still_gets_its_answers(server):
    with server.connect() as connection:
        connection.send(request("POST", "/predict", floats(5), **RAW) * 3)
        connection.end()
        assert [connection.read().labels for _ in range(3)] == [["5"]] * 3
        assert connection.has_ended()


def test_a_request_that_ends_too_soon_is_refused(server):
    with server.connect() as connection:
        connection.send(request("POST", "/predict", floats(5), **RAW)[:-1])
        connection.end()
        assert connection.read().status == 400
        assert connection.has_ended()


@pytest.mark.parametrize("sent", [b"POST /predict HTTP/1.1\r\nHo", request("POST", "/predict", floats(5), **RAW)[:-1]])
def test_a_request_that_comes_too_slowly_is_refused(server, sent):
    with server.connect() as connection:
        connection.send(sent)
        answer = connection.read()
        assert (answer.status, answer.code, answer.headers["connection"]) == (408, "timeout", "close")
        assert connection.has_ended()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200), 400),  # a TLS client
        (b"GET / HTTP/3.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 40_000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nA: " + b"x" * 300_000, 431),
        (b"GET /" + b"x" * 40_000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: b\r\n" % i for i in range(200)) + b"\r\n", 431),
        (b"POST /predict HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", 413),
        (
            b"POST /predict HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
            + (b"ffff\r\n" + b"x" * 65535 + b"\r\n") * 20,
            413,
        ),
    ],
)
def test_what_is_no_request_or_too_much_is_refused_and_the_connection_closed(server, sent, status):
    with server.connect() as connection:
        sender = threading.Thread(target=_send_all, args=(connection, sent))
        sender.start()
        answer = connection.read()
        assert (answer.status, answer.headers["connection"]) == (status, "close")
        assert set(answer.json["error"]) == {"code", "message", "hint"}
        assert connection.has_ended()
        sender.join()


def _send_all(connection: Connection, data: bytes) -> None:
    with suppress(OSError):  # the server has heard enough
        connection.send(data)


def test_a_path_may_come_with_its_origin(server):
    for target in ("http://somewhere/health/live", "http://somewhere:80/health/live?x=1", "http://somewhere"):
        assert talk(server, request("GET", target))[0].status == 200


def test_a_compressed_body_is_refused(server):
    answer = talk(server, request("POST", "/predict", b"x", **RAW, Content_Encoding="gzip"))[0]
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


def test_old_clients_get_what_they_ask_for(server):
    with server.connect() as connection:
        connection.send(b"GET /health/live HTTP/1.0\r\n\r\n")
        assert connection.read().headers["connection"] == "close"
        assert connection.has_ended()
    sent = b"GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    assert [answer.headers["connection"] for answer in talk(server, sent * 2, 2)] == ["keep-alive"] * 2


def test_each_answer_has_the_id_of_its_request(server):
    assert server.get("/health/live", **{"X-Request-Id": "mine-1"}).headers["x-request-id"] == "mine-1"
    made = [server.get("/health/live").headers["x-request-id"] for _ in range(3)]
    assert len(set(made)) == 3
    odd = server.get("/health/live", **{"X-Request-Id": "x" * 200}).headers["x-request-id"]
    assert len(odd) < 100
    assert server.get("/nothing", **{"X-Request-Id": "mine-2"}).headers["x-request-id"] == "mine-2"


def test_a_client_that_goes_away_harms_nobody(server):
    for _ in range(20):
        with server.connect() as connection:
            connection.send(request("POST", "/predict", floats(5), **RAW) * 20)
    server.wait_for(lambda: server.metric("fluidline_connections") <= 1)
    assert server.post("/predict", floats(1), "application/octet-stream").labels == ["1"]


def test_a_client_that_reads_nothing_is_not_answered_without_end(server):
    with server.connect() as connection:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.socket.settimeout(5)
        with pytest.raises(OSError):  # noqa: PT011  its sends block, and then the server hangs up
            connection.send(request("GET", "/docs") * 1_000_000)
    assert server.get("/health/live").status == 200


def test_libraries_can_stream_a_body(server):
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    client.request("POST", "/predict", iter([floats(1)[:100], floats(1)[100:]]), {"Content-Type": RAW["Content_Type"]})
    assert client.getresponse().status == 200
    client.close()
