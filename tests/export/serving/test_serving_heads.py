"""Heads that came before: what is remembered of them, and that they mean what they meant."""

from __future__ import annotations

import pytest
from bodies import floats
from bodies import http as request
from running import Server

from export.serving import heads as module
from export.serving.exchange import Exchange
from export.serving.heads import Heads

RAW = {"Content_Type": "application/octet-stream"}


def parsed(size: int = 3, **headers: str) -> Exchange:
    exchange = Exchange(None, 0.0)
    exchange.method, exchange.path, exchange.size = b"POST", b"/predict", size
    exchange.headers = {name.replace("_", "-").lower().encode(): value.encode() for name, value in headers.items()}
    return exchange


def test_a_head_that_came_before_is_found_with_another_body():
    heads = Heads()
    heads.keep(request("POST", "/predict", b"abc"), parsed())
    head, body = heads.find(request("POST", "/predict", b"xyz"))
    assert (head.method, head.path, head.size, body) == (b"POST", b"/predict", 3, b"xyz")


@pytest.mark.parametrize("cut", [1, 3, 20])
def test_a_torn_request_and_one_with_another_behind_it_are_for_the_parser(cut):
    heads, sent = Heads(), request("POST", "/predict", b"abc")
    heads.keep(sent, parsed())
    assert heads.find(sent[:-cut]) is None
    assert heads.find(sent + sent[:cut]) is None
    assert heads.find(b"") is None


@pytest.mark.parametrize("name", ["Transfer_Encoding", "Expect", "X_Request_Id"])
def test_a_head_is_not_kept_that_says_more_or_never_comes_again(name):
    heads, sent = Heads(), request("POST", "/predict", b"abc", **{name: "x"})
    heads.keep(sent, parsed(**{name: "x"}))
    assert heads.find(sent) is None


def test_the_head_of_the_last_request_on_a_connection_is_not_kept():
    heads, sent = Heads(), request("POST", "/predict", b"abc", Connection="close")
    exchange = parsed()
    exchange.closes = True
    heads.keep(sent, exchange)
    assert heads.find(sent) is None


def test_heads_do_not_pile_up(monkeypatch):
    monkeypatch.setattr(module, "_MOST", 3)
    heads = Heads()
    sent = [request("POST", f"/{number}", b"abc") for number in range(5)]
    for each in sent:
        heads.keep(each, parsed())
    assert [heads.find(each) is not None for each in sent] == [False, False, False, True, True]
    long = request("POST", "/" + "x" * 1024, b"abc")
    heads.keep(long, parsed())
    assert heads.find(long) is None


def test_a_kept_connection_answers_alike_whether_the_head_is_known_or_not(server: Server):
    with server.connect() as connection:
        for label in (1, 2, 3):
            connection.send(request("POST", "/predict?top=2", floats(label), **RAW))
            assert connection.read().labels == [str(label)]
        connection.send(request("POST", "/predict?top=2", floats(4)[:-1], **RAW))
        assert connection.read().status == 422
        known = request("POST", "/predict?top=2", floats(5), **RAW)
        connection.send(known * 3)  # pipelined
        assert [connection.read().labels for _ in range(3)] == [["5"]] * 3
        connection.send(known[:100])
        connection.send(known[100:])
        assert connection.read().labels == ["5"]
        connection.send(request("POST", "/predict?top=2", floats(6), **RAW, Connection="close") + known)
        assert connection.read().labels == ["6"]
        assert connection.stream.read() == b""


def test_each_request_has_an_id_of_its_own_though_its_head_is_known(server: Server):
    with server.connect() as connection:
        seen = set()
        for _ in range(4):
            connection.send(request("GET", "/health/live"))
            seen.add(connection.read().headers["x-request-id"])
    assert len(seen) == 4
