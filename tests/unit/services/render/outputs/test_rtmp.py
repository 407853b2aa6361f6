from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from services.render.outputs import amf
from services.render.outputs.flv import FlvTag
from services.render.outputs.rtmp import RtmpPlace, RtmpPublisher, RtmpRefused
from services.render.outputs.rtmp_chunks import ChunkReader, Message, chunked
from shared.model.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PLACE = RtmpPlace("host.example", 1935, secure=False, app="live", stream="secret?token=1")
COMMAND, CONTROL, WINDOW = 20, 4, 5
STARTED = {"level": "status", "code": "NetStream.Publish.Start"}


class Server:
    """The other end, scripted: answers commands by name and keeps what it hears."""

    def __init__(self, answers: dict[str, list[Message]], reading: threading.Event | None = None) -> None:
        """reading: while it is not set, nothing is read."""
        self._reading = reading
        self.ours, self._theirs = socket.socketpair()
        self._theirs.settimeout(10)
        self._answers = answers
        self.heard: list[Message] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with self._theirs, contextlib.suppress(OSError):
            hello = b""
            while len(hello) < 1537:
                hello += self._theirs.recv(1537 - len(hello))
            self._theirs.sendall(b"\x03" + bytes(1536) + hello[1:])
            echo = b""
            while len(echo) < 1536:
                echo += self._theirs.recv(1536 - len(echo))
            reader = ChunkReader()
            while piece := self._theirs.recv(65536):
                for message in reader.feed(piece):
                    self._hear(message)
                if self._reading is not None:
                    self._reading.wait()

    def _hear(self, message: Message) -> None:
        self.heard.append(message)
        name = str(amf.decode(message.body)[0]) if message.kind == COMMAND else str(message.kind)
        for answer in self._answers.get(name, []):
            self._theirs.sendall(chunked(answer, 3, 128))

    def join(self) -> list[Message]:
        self.ours.close()
        self._thread.join()
        return self.heard

    def commands(self) -> list[list[amf.Value]]:
        return [amf.decode(message.body) for message in self.join() if message.kind == COMMAND]


def command(*values: amf.Value) -> Message:
    return Message(COMMAND, amf.encode(*values))


GOOD = {
    "connect": [Message(WINDOW, struct.pack(">I", 100)), command("_result", 1.0, {}, {"code": "Connected"})],
    "createStream": [command("_result", 4.0, None, 7.0)],
    "publish": [command("onStatus", 0.0, None, STARTED)],
}  # fmt: skip


@pytest.fixture
def serving() -> Iterator[Callable[..., tuple[Server, RtmpPublisher]]]:
    servers = []

    def serve(**answers: list[Message]) -> tuple[Server, RtmpPublisher]:
        server = Server({**GOOD, **answers})
        servers.append(server)
        return server, RtmpPublisher(server.ours, PLACE, 5.0)

    yield serve
    for server in servers:
        server.join()


Serving = "Callable[..., tuple[Server, RtmpPublisher]]"


def test_the_server_hears_what_is_published_and_where(serving: Serving) -> None:
    server, publisher = serving()
    publisher.open()
    publisher.send(FlvTag(18, 0, amf.encode("onMetaData", {})))
    publisher.send(FlvTag(9, 40, b"picture" * 1000))
    publisher.close()
    commands = server.commands()
    assert [one[0] for one in commands] == [
        "connect", "releaseStream", "FCPublish", "createStream", "publish", "FCUnpublish", "deleteStream",
    ]  # fmt: skip
    connect = commands[0][2]
    assert isinstance(connect, dict)
    assert (connect["app"], connect["tcUrl"]) == ("live", "rtmp://host.example/live")
    assert commands[4][3:] == ["secret?token=1", "live"]
    words, picture = (message for message in server.heard if message.kind in {9, 18})
    assert amf.decode(words.body) == ["@setDataFrame", "onMetaData", {}]
    assert picture == Message(9, b"picture" * 1000, 40, 7)


@pytest.mark.parametrize(
    ("name", "answer", "code"),
    [
        ("connect", ("_error", 1.0), "NetConnection.Connect.Rejected"),
        ("createStream", ("_error", 4.0), "NetConnection.Call.Failed"),
        ("publish", ("onStatus", 0.0), "NetStream.Publish.BadName"),
        ("publish", ("_error", 5.0), "NetStream.Failed"),
    ],
)
def test_a_refusal_has_the_servers_word(serving: Serving, name: str, answer: tuple[str, float], code: str) -> None:
    _, publisher = serving(**{name: [command(*answer, None, {"level": "error", "code": code})]})
    with pytest.raises(RtmpRefused, match=code):
        publisher.open()


def test_what_is_no_word_of_the_protocol_is_not_repeated(serving: Serving) -> None:
    _, publisher = serving(publish=[command("onStatus", 0.0, None, {"level": "error", "code": "secret is taken"})])
    with pytest.raises(RtmpRefused, match="no reason"):
        publisher.open()


def test_a_server_that_ends_the_stream_later_is_heard(serving: Serving) -> None:
    end = command("onStatus", 0.0, None, {"level": "error", "code": "NetStream.Publish.Denied"})
    _, publisher = serving(**{"9": [end]})
    publisher.open()

    def publish() -> None:
        for _ in range(10_000):
            publisher.send(FlvTag(9, 0, b"picture"))
            threading.Event().wait(0.001)

    with pytest.raises(RtmpRefused, match="Denied"):
        publish()


def test_pings_are_answered_and_what_was_received_is_acknowledged(serving: Serving) -> None:
    server, publisher = serving(**{"9": [Message(CONTROL, struct.pack(">HI", 6, 1234))]})
    publisher.open()
    for _ in range(50):
        publisher.send(FlvTag(9, 0, b"picture"))
        threading.Event().wait(0.001)
    publisher.close()
    heard = server.join()
    assert Message(CONTROL, struct.pack(">HI", 7, 1234)) in heard
    assert any(message.kind == 3 for message in heard)


def test_a_connection_that_is_closed_is_an_error_of_the_system(serving: Serving) -> None:
    server, publisher = serving()
    publisher.open()
    server.ours.shutdown(socket.SHUT_RDWR)
    with pytest.raises(OSError):  # noqa: PT011  -- whichever
        publisher.send(FlvTag(9, 0, b"picture"))
    publisher.close()


@pytest.mark.parametrize(
    ("url", "place", "tc_url"),
    [
        ("rtmp://a.example/live/key", ("a.example", 1935, False, "live", "key"), "rtmp://a.example/live"),
        (
            "rtmps://a.example/live/key?x=1&y=2",
            ("a.example", 443, True, "live", "key?x=1&y=2"),
            "rtmps://a.example/live",
        ),
        ("rtmp://[::1]:1999/a/b/c", ("::1", 1999, False, "a/b", "c"), "rtmp://[::1]:1999/a/b"),
    ],
)
def test_a_url_is_taken_apart(url: str, place: tuple[object, ...], tc_url: str) -> None:
    assert RtmpPlace.of(url) == place
    assert RtmpPlace.of(url).tc_url == tc_url


@pytest.mark.parametrize(
    "url",
    ["", "http://a/live/secret", "rtmp:///live/secret", "rtmp://a/secret", "rtmp://u:secret@a/live/x", "rtmp://[::/a/b",
     "rtmp://a:99999/live/secret", "rtmp://a/live/"],
)  # fmt: skip
def test_a_url_that_names_no_stream_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(Rejected) as refused:
        RtmpPlace.of(url)
    assert "secret" not in str(refused.value)
