from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import av
import pytest

from services.render.outputs import push as push_module
from services.render.outputs.outlet import RunningOutlet
from services.render.outputs.push import RtmpPusher
from shared.model.errors import Rejected, Unavailable
from shared.model.live import LiveCodec, LiveOutput
from tests.ports import free_ports
from tests.unit.services.render.live import BETWEEN, encoded, facts, moving, psnr, sound_opened, sounds
from tests.unit.services.render.outputs.test_rtmp import GOOD, Server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from services.render.outputs.rtmp import RtmpPlace
    from tests.unit.services.render.outputs.conftest import Notices
    from tests.unit.services.render.outputs.nginx import Nginx

PATIENCE_SECONDS = 10


def connect(place: RtmpPlace, timeout_seconds: float) -> socket.socket:
    return socket.create_connection((place.host, place.port), timeout_seconds)


def pusher(url: str, notices: Notices) -> RtmpPusher:
    return RtmpPusher(url, connect, notices, shortest_pause=0.01)


def until(happened: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, "it has not happened"
        time.sleep(0.01)


def whole(path: Path) -> list[av.VideoFrame]:
    """The frames of a file that may still be being written."""
    try:
        with av.open(str(path)) as file:
            return list(file.decode(video=0))
    except av.error.InvalidDataError:
        return []


@pytest.mark.parametrize("low_delay", [True, False])
def test_what_is_pushed_is_what_the_server_gets(low_delay: bool, nginx: Nginx, notices: Notices) -> None:
    output = LiveOutput(low_delay=low_delay, quality=0.9)
    encoder, packets = encoded(facts(), output, range(900_000_000, 900_000_000 + 20 * 3600, 3600))
    push = pusher(nginx.url("name"), notices)
    push.begin(encoder.track)
    for packet in packets:
        push.write(packet)
    push.close()
    until(lambda: nginx.recorded)
    (path,) = nginx.recorded
    until(lambda: len(whole(path)) == 20)
    frames = whole(path)
    assert [round(1000 * float((f.pts - frames[0].pts) * f.time_base)) for f in frames] == [40 * n for n in range(20)]
    assert min(psnr(frame, moving(facts(), number)) for number, frame in enumerate(frames)) > 34
    assert notices.kinds == ["output-connected"]


class Listener:
    """FFmpeg as the server: unlike nginx's module it knows the codecs of Enhanced RTMP."""

    def __init__(self) -> None:
        [self.port] = free_ports(1)
        self.frames: list[av.VideoFrame] = []
        self.thread = threading.Thread(target=self._take, daemon=True)
        self.thread.start()

    def _take(self) -> None:
        url = f"rtmp://127.0.0.1:{self.port}/live/name"
        with av.open(url, options={"listen": "1", "timeout": str(PATIENCE_SECONDS)}) as file:
            context = file.streams.video[0].codec_context
            with contextlib.suppress(OSError):  # which is how it takes a goodbye
                for packet in file.demux(video=0):
                    self.frames += context.decode(packet)
            self.frames += context.decode(None)

    def connect(self, place: RtmpPlace, timeout_seconds: float) -> socket.socket:
        """As soon as it listens."""
        end = time.monotonic() + timeout_seconds
        while True:
            try:
                return connect(place, timeout_seconds)
            except ConnectionRefusedError:
                assert time.monotonic() < end
                time.sleep(0.01)


@pytest.mark.parametrize("codec", BETWEEN)
def test_every_codec_that_rtmp_carries_arrives(codec: LiveCodec, notices: Notices) -> None:
    listener = Listener()
    encoder, packets = encoded(facts(), LiveOutput(codec=codec, quality=0.9), range(0, 20 * 3600, 3600))
    push = RtmpPusher(f"rtmp://127.0.0.1:{listener.port}/live/name", listener.connect, notices)
    push.begin(encoder.track)
    for packet in packets:
        push.write(packet)
    push.close()
    listener.thread.join(PATIENCE_SECONDS)
    assert [frame.pts for frame in listener.frames] == [40 * number for number in range(20)]
    assert min(psnr(frame, moving(facts(), number)) for number, frame in enumerate(listener.frames)) > 34
    assert notices.kinds == ["output-connected"]


def test_sound_goes_beside_its_pictures(nginx: Nginx, notices: Notices) -> None:
    encoder, packets = encoded(facts(), LiveOutput(), range(0, 40 * 3600, 3600))
    push, heard = pusher(nginx.url("name"), notices), sounds(1.6)
    push.open_sound(sound_opened())
    push.begin(encoder.track)
    for packet in packets:
        push.write(packet)
        while heard and heard[0].pts <= packet.pts:
            push.write_sound(heard.pop(0))
    push.close()
    until(lambda: nginx.recorded and len(whole(nginx.recorded[0])) == 40)
    with av.open(str(nginx.recorded[0])) as file:
        assert file.streams.audio[0].codec_context.name.startswith("aac")
        assert sum(frame.samples for frame in file.decode(audio=0)) > 1.4 * 48000


def test_a_server_that_dies_and_comes_back_is_found_again_and_gets_a_key_frame(nginx: Nginx, notices: Notices) -> None:
    encoder, packets = encoded(facts(), LiveOutput(key_interval_seconds=0.4), range(0, 400 * 3600, 3600))
    push, waiting = pusher(nginx.url("name"), notices), iter(packets)
    push.begin(encoder.track)

    def write_until(happened: Callable[[], object]) -> None:
        until(lambda: push.write(next(waiting)) or happened())

    for _ in range(12):
        push.write(next(waiting))
    nginx.kill()
    write_until(lambda: "output-lost" in notices.kinds)
    nginx.start()
    write_until(lambda: push.connections == 2)
    for _ in range(15):
        push.write(next(waiting))
    push.close()
    until(lambda: len(nginx.recorded) == 2 and len(whole(nginx.recorded[-1])) >= 15)
    assert notices.kinds == ["output-connected", "output-lost", "output-connected"]
    assert "tried again" in notices[1][1]
    assert whole(nginx.recorded[-1])[0].key_frame


def test_another_encoder_goes_on_over_the_same_connection(nginx: Nginx, notices: Notices) -> None:
    push = pusher(nginx.url("name"), notices)
    for size, first in ((64, 0), (96, 72_000)):
        encoder, packets = encoded(facts(size, 48), LiveOutput(), range(first, first + 72_000, 3600))
        push.begin(encoder.track)
        for packet in packets:
            push.write(packet)
    push.close()
    until(lambda: nginx.recorded and len(whole(nginx.recorded[0])) == 40)
    frames = whole(nginx.recorded[0])
    assert [frame.width for frame in frames] == [64] * 20 + [96] * 20
    assert push.connections == 1


def test_a_refusal_is_told_with_the_servers_word_and_without_the_streams_name(nginx: Nginx, notices: Notices) -> None:
    encoder, packets = encoded(facts(64, 48), LiveOutput(), [0])
    first, second = pusher(nginx.url("secret"), notices), pusher(nginx.url("secret"), notices)
    for push in (first, second):
        push.begin(encoder.track)
        push.write(packets[0])
    first.close()
    second.close()
    assert notices.kinds == ["output-connected", "output-lost"]
    assert "NetStream.Publish.BadName" in notices[1][1]
    assert "secret" not in str(notices)


def test_a_server_that_hangs_up_is_told_without_the_streams_name(nginx: Nginx, notices: Notices) -> None:
    encoder, packets = encoded(facts(64, 48), LiveOutput(), range(0, 90_000, 3600))
    push, waiting = pusher(nginx.url("secret", "closed"), notices), iter(packets)
    push.begin(encoder.track)
    until(lambda: push.write(next(waiting)) or "output-lost" in notices.kinds)
    push.close()
    assert "secret" not in str(notices)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def test_a_server_that_stops_reading_harms_only_itself(notices: Notices) -> None:
    encoder, (key, small, *_) = encoded(facts(64, 48), LiveOutput(), range(0, 36000, 3600))
    reading = threading.Event()
    reading.set()
    server = Server(GOOD, reading)
    push = RtmpPusher("rtmp://host.example/live/name", lambda *_: server.ours, notices)
    running = RunningOutlet(push, "The push", notices)
    running.offer(encoder.track)
    running.offer(key)
    until(lambda: running.written == 1)
    reading.clear()
    large = small._replace(body=small.body + bytes(1 << 18))
    for number in range(1, 2000):
        running.offer(large._replace(pts=3600 * number, dts=3600 * number))
    assert running.dropped > 1000
    assert running.written < 500
    running.close(0.1)
    reading.set()
    server.join()
    assert notices.kinds == ["output-connected"]


def test_a_server_that_never_answers_can_be_given_up(silent: socket.socket, notices: Notices) -> None:
    encoder, packets = encoded(facts(64, 48), LiveOutput(), [0, 3600])
    push = pusher(f"rtmp://127.0.0.1:{silent.getsockname()[1]}/live/secret", notices)
    running = RunningOutlet(push, "The push", notices)
    running.offer(encoder.track)
    for packet in packets:
        running.offer(packet)
    connection, _ = silent.accept()
    running.close(0.1)
    connection.close()
    assert not [thread for thread in [running._thread] if thread.is_alive()]
    assert "secret" not in str(notices)


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(), TimeoutError(), OSError("secret"), Unavailable("No name.")]
)
def test_what_cannot_be_reached_is_tried_again_at_a_later_key_frame(error: Exception, notices: Notices) -> None:
    tries = []

    def fail(place: RtmpPlace, timeout_seconds: float) -> socket.socket:
        tries.append((place.host, timeout_seconds))
        raise error

    encoder, packets = encoded(facts(64, 48), LiveOutput(), range(0, 10 * 3600, 3600), keys={5})
    push = RtmpPusher("rtmp://host.example/live/secret", fail, notices, shortest_pause=0.0)
    push.begin(encoder.track)
    assert push.wants_key
    for packet in packets:
        push.write(packet)
    assert len(tries) == 2
    assert notices.kinds == ["output-lost"]
    assert "secret" not in notices[0][1]


def test_while_it_connects_it_wants_no_key_frame(notices: Notices) -> None:
    wanted = []

    def fail(place: RtmpPlace, timeout_seconds: float) -> socket.socket:
        wanted.append(push.wants_key)
        raise OSError

    encoder, (packet, *_) = encoded(facts(64, 48), LiveOutput(), [0])
    push = RtmpPusher("rtmp://host.example/live/secret", fail, notices, shortest_pause=0.0)
    push.begin(encoder.track)
    push.write(packet)
    assert wanted == [False]
    assert push.wants_key


def test_another_encoder_wants_a_key_frame_on_the_connection_that_there_is(nginx: Nginx, notices: Notices) -> None:
    push = pusher(nginx.url("name"), notices)
    for size in (64, 96):
        encoder, (packet, *_) = encoded(facts(size, 48), LiveOutput(), [0])
        push.begin(encoder.track)
        assert push.wants_key
        push.write(packet)
        assert not push.wants_key
    push.close()


def test_only_a_connection_that_lasted_makes_the_pauses_short_again(
    nginx: Nginx, notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, (packet, *_) = encoded(facts(64, 48), LiveOutput(), [0])
    push = pusher(nginx.url("name"), notices)
    push.begin(encoder.track)
    push.write(packet)
    monkeypatch.setattr(push_module, "STEADY_SECONDS", -1.0)  # every connection has lasted
    push._lose(OSError())
    pauses = []
    for _ in range(3):
        push._lose(OSError())  # an attempt that has failed
        pauses.append(push._pause)
    assert pauses == [0.04, 0.08, 0.16]
    push.close()


def test_an_address_that_is_not_allowed_ends_the_push(notices: Notices) -> None:
    def refuse(place: RtmpPlace, timeout_seconds: float) -> socket.socket:
        raise Rejected("not-allowed", f"{place.host} is a private address, {timeout_seconds}.")

    encoder, packets = encoded(facts(64, 48), LiveOutput(), [0])
    running = RunningOutlet(RtmpPusher("rtmp://10.0.0.1/live/secret", refuse, notices), "The push", notices)
    running.offer(encoder.track)
    running.offer(packets[0])
    running.close()
    assert running.failed
    assert notices.kinds == ["output-refused"]
    assert "private address" in notices[0][1]


def test_jpeg_is_refused_with_what_can_be_pushed(notices: Notices) -> None:
    encoder, _ = encoded(facts(64, 48), LiveOutput(codec=LiveCodec.MJPEG), [0])
    with pytest.raises(Rejected, match="not mjpeg"):
        RtmpPusher("rtmp://host/app/name", connect, notices).begin(encoder.track)
