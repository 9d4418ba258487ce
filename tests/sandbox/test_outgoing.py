"""Answers of other servers have bounds in bytes and in time, whatever the server sends."""

import gzip
import itertools
import socket
import threading
from contextlib import contextmanager

import pytest
import requests

from cardvault.http.outgoing import Answer, Bounds, UnboundedAnswer

HEAD = b"HTTP/1.1 200 OK\r\n"
ROOMY = Bounds(longest=100_000, within_s=60)


@contextmanager
def server(*pieces, forever=b""):
    """A server of one answer: those pieces, and then one for as long as somebody reads it."""
    asked = []

    def answer(listening):
        connection, _ = listening.accept()
        with connection:
            asked.append(connection.recv(10_000))
            try:
                for piece in pieces:
                    connection.sendall(piece)
                while forever:
                    connection.sendall(forever)
            except OSError:
                pass  # nobody reads on

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, args=[listening])
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
        thread.join()


def ask(bounds, address):
    with requests.Session() as session:
        return bounds.ask(session, "GET", address, timeout=30)


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: 13\r\n\r\n" + b'{"page": [1]}',
        HEAD + b"Connection: close\r\n\r\n" + b'{"page": [1]}',
        HEAD + b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"pa\r\n9\r\nge": [1]}\r\n0\r\n\r\n',
    ],
    ids=["of a length", "to the end", "in chunks"],
)
def test_an_answer_is_read_to_its_end(sent):
    with server(sent) as (address, asked):
        answer = ask(ROOMY, address)
    assert (answer.status_code, answer.json()) == (200, {"page": [1]})
    assert b"Accept-Encoding: identity" in asked[0]


def test_i13_an_answer_without_end_is_read_no_further_than_its_bound():
    with (
        server(HEAD + b"\r\n", forever=b"x" * 1_000) as (address, _),
        pytest.raises(UnboundedAnswer, match=r"^answered more than 100000 bytes$"),
    ):
        ask(ROOMY, address)


def test_i13_chunks_without_end_neither():
    head = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    with (
        server(head, forever=b"3e8\r\n" + b"x" * 1_000 + b"\r\n") as (address, _),
        pytest.raises(UnboundedAnswer, match=r"^answered more than 100000 bytes$"),
    ):
        ask(ROOMY, address)


def test_i13_an_answer_that_drips_is_read_no_longer_than_its_time():
    # Each look at the clock is a second later: no byte of these is late by itself.
    seconds = itertools.count()
    drop = b"1\r\nx\r\n"
    with (
        server(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", forever=drop) as (address, _),
        pytest.raises(UnboundedAnswer, match=r"^took longer than 5 s$"),
    ):
        ask(Bounds(10**9, 5, seconds.__next__), address)
    assert next(seconds) == 7, "one look before, and one after each of six pieces"


def test_i13_what_is_packed_stays_packed():
    packed = gzip.compress(b" " * 50_000_000)
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    with server(HEAD + head + packed) as (address, _):
        answer = ask(ROOMY, address)
    assert answer.body == packed
    assert answer.json() is None


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: 100\r\n\r\nCANARY",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nCANARY\r\n",
        b"CANARY\r\n\r\n",
    ],
    ids=["cut off", "broken chunks", "no HTTP"],
)
def test_i1_a_broken_answer_is_an_error_that_quotes_nothing_of_its_body(sent):
    with server(sent) as (address, _), pytest.raises(requests.RequestException) as raised:
        ask(ROOMY, address)
    if sent.startswith(HEAD):
        assert "CANARY" not in repr(raised.value)


def test_a_redirect_is_not_followed():
    sent = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with server(sent) as (address, _):
        assert ask(ROOMY, address).status_code == 302


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 1_000_000])
def test_what_is_no_json_is_none(body):
    assert Answer(200, {}, body).json() is None


def test_i1_an_answer_shows_nothing_of_its_body():
    assert "CANARY" not in repr(Answer(200, {"X": "CANARY"}, b"CANARY"))
