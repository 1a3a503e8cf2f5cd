"""Real sockets: a total deadline, and every reply on disk before anybody reads it."""

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from adapters.clock import SystemClock
from adapters.http import BODY_BYTES_MAX, NoAnswer, NotSent, Wire
from adapters.objects import ObjectStore
from adapters.replies import ReplyLog

DEADLINE_S = 0.4
SLACK_S = 0.5
Behave = Callable[[socket.socket], None]


@contextmanager
def server(behave: Behave) -> Iterator[str]:
    """One connection at a time on a free port of this computer; ends with the test."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.05)
        over = threading.Event()

        def serve() -> None:
            while not over.is_set():
                try:
                    connection, _ = listener.accept()
                except TimeoutError:
                    continue
                with connection:
                    try:
                        behave(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


def log(folder: Path) -> ReplyLog:
    return ReplyLog(folder / "replies", "test", ObjectStore(folder / "objects"), SystemClock())


def wire(url: str, folder: Path) -> Wire:
    return Wire(url, log(folder), SystemClock(), deadline_s=DEADLINE_S)


def says(content: bytes) -> Behave:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(content)

    return behave


def drips(head: bytes, drop: bytes) -> Behave:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(drop)
            time.sleep(0.05)

    return behave


WHOLE = b"HTTP/1.1 200 OK\r\nDate: Sun, 01 Nov 2026 12:00:00 GMT\r\nContent-Length: 4\r\n\r\n\x00\xffok"


def test_a_reply_is_kept_byte_for_byte_with_its_three_times(tmp_path: Path) -> None:
    with server(says(WHOLE)) as url:
        reply = wire(url, tmp_path).get("/0/public/Time", {"a": "b c"})
    assert (reply.status, reply.body) == (200, b"\x00\xffok")
    assert reply.digest == hashlib.sha256(reply.body).hexdigest()
    assert ObjectStore(tmp_path / "objects").path(reply.digest).read_bytes() == reply.body
    (line,) = log(tmp_path).lines()
    assert (line["endpoint"], line["request"], line["status"]) == ("/0/public/Time", {"a": "b c"}, 200)
    assert (line["body"], line["bytes"], line["complete"]) == (reply.digest, 4, True)
    assert line["event"] == "2026-11-01T12:00:00Z"
    assert line["sent"] <= line["available"] <= line["ingested"]


@pytest.mark.parametrize(
    "behave",
    [
        lambda connection: time.sleep(3 * DEADLINE_S),
        drips(b"HTTP/1.1 200 OK\r\n", b"X-Drip: 1\r\n"),
        drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x"),
        drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    ],
    ids=["silence", "dripped headers", "dripped body", "dripped chunks"],
)
def test_no_call_outlasts_its_deadline(tmp_path: Path, behave: Behave) -> None:
    with server(behave) as url:
        started = time.monotonic()
        with pytest.raises(NoAnswer):
            wire(url, tmp_path).get("/", {})
        assert time.monotonic() - started < DEADLINE_S + SLACK_S


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b"", None),
        (b"HTTP/1.1 200 OK\r\nContent-Le", None),
        (b"\x16\x03\x01 not HTTP", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{half", b"{half"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{half\r\n", b"{half"),
    ],
)
def test_a_broken_reply_is_kept_as_far_as_it_came(tmp_path: Path, content: bytes, kept: bytes | None) -> None:
    with server(says(content)) as url, pytest.raises(NoAnswer):
        wire(url, tmp_path).get("/", {})
    lines = list(log(tmp_path).lines())
    assert [line["complete"] for line in lines] == ([False] if kept else [])
    for line in lines:
        assert ObjectStore(tmp_path / "objects").path(line["body"]).read_bytes() == kept


def test_a_reply_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapters.http.BODY_BYTES_MAX", 100)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    with server(says(head + b"x" * 100_000)) as url, pytest.raises(NoAnswer, match="more than 100 bytes"):
        wire(url, tmp_path).get("/", {})
    assert BODY_BYTES_MAX > 1 << 20


def test_what_never_left_is_told_apart(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(NotSent):
        wire(f"http://127.0.0.1:{port}", tmp_path).get("/", {})
    with server(says(WHOLE)) as url, pytest.raises(NotSent):
        wire(url.replace("http", "https"), tmp_path).get("/", {})
    assert not list(log(tmp_path).lines())


def test_an_answer_that_cannot_be_stored_is_no_answer(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file where the folder should be")
    with server(says(WHOLE)) as url, pytest.raises(NoAnswer, match="could not be stored"):
        wire(url, tmp_path).get("/", {})


def test_a_torn_line_hides_no_other(tmp_path: Path) -> None:
    with server(says(WHOLE)) as url:
        wire(url, tmp_path).get("/first", {})
        (file,) = (tmp_path / "replies" / "test").glob("*.jsonl")
        with file.open("a") as torn:
            torn.write('{"endpoint": "/torn')
        wire(url, tmp_path).get("/second", {})
    assert [line["endpoint"] for line in log(tmp_path).lines()] == ["/first", "/second"]
    assert len(file.read_bytes().splitlines()) == 3


def test_redirects_and_proxies_of_the_environment_are_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with server(says(moved)) as url:
        assert wire(url, tmp_path).get("/", {}).status == 302


def test_threads_keep_their_own_deadlines_and_every_line(tmp_path: Path) -> None:
    shared = httpx.MockTransport(
        lambda request: httpx.Response(200, stream=httpx.ByteStream(request.url.query))
    )
    both = Wire("http://venue.test", log(tmp_path), SystemClock(), shared)
    threads = [threading.Thread(target=both.get, args=("/", {"n": str(n)})) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {json.dumps(line["request"]) for line in log(tmp_path).lines()} == {
        json.dumps({"n": str(n)}) for n in range(20)
    }
