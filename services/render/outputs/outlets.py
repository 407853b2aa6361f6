"""Hands an encoder's packets, and the source's sound, to every output of a live session; the list can change."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import TYPE_CHECKING

from services.render.outputs.outlet import RunningOutlet
from services.render.outputs.segments import Cutter
from shared.model.errors import Unavailable, VisavisError
from shared.model.live import HlsOutput, Output, RecordOutput, RtmpOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from services.render.encoding.packets import EncodedPacket, PictureTrack
    from services.render.outputs.outlet import Item, Notice, Outlet
    from shared.model.live import SoundOpened, SoundPacket

NAMES = {HlsOutput: "The HLS stream", RtmpOutput: "The push to an RTMP server", RecordOutput: "The recording"}


class Outlets:
    """The fan. Nothing here waits for an output or raises for what one does.

    What ends, ends in threads of its own: futures say when. None of them keeps the process alive.
    """

    def __init__(self, build: Callable[[Output], Outlet], notice: Notice) -> None:
        """build: makes the outlet of an output. notice: is told in any thread what happens to outputs."""
        self._build, self._notice = build, notice
        self._running: dict[Output, RunningOutlet] = {}
        self._cutters: dict[Output, Cutter] = {}
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        """Held by the one change that is being made."""
        self._wish: Sequence[Output] | None = None
        self._closed = self._over = False
        self._track: PictureTrack | None = None
        self._sound: SoundOpened | None = None
        self._asked = False

    def change(self, outputs: Sequence[Output]) -> Future[None]:
        """Make these outputs soon: new ones begin with a key frame, others end properly, then it is done.

        One that has failed is made anew. One change is made after the other, and only the newest of those that wait.
        """
        with self._lock:
            self._wish = self._wish if self._closed else tuple(dict.fromkeys(outputs))
        return _in_thread(self._change)

    def close(self, *, over: bool) -> Future[None]:
        """End every output properly, and make no other. over: the session is over, and does not go on elsewhere."""
        with self._lock:
            self._wish, self._closed, self._over = (), True, over
        return _in_thread(self._change)

    def begin(self, track: PictureTrack) -> None:
        """Packets of this encoder follow."""
        with self._lock:
            self._track = track
            for cutter in self._cutters.values():
                cutter.begin(track)
            self._offer(track)

    def open_sound(self, sound: SoundOpened) -> None:
        """This sound goes with the pictures."""
        with self._lock:
            self._sound = sound
            self._offer(sound)

    def write(self, packet: EncodedPacket) -> None:
        """The encoder's next packet."""
        with self._lock:
            if packet.key:
                self._asked = False
                for cutter in self._cutters.values():
                    if cutter.due(packet.pts):
                        cutter.cut(packet.pts)
            self._offer(packet)

    def write_sound(self, packet: SoundPacket) -> None:
        """The next piece of sound; it may be ahead of its pictures."""
        with self._lock:
            self._offer(packet)

    def wants_key(self, pts: int) -> bool:
        """Whether the picture at pts should be a key frame: a segment is due, or an output waits for one.

        Asked before each picture is encoded. Yes is said once, until a key frame comes.
        """
        with self._lock:
            if self._asked:
                return False
            due = any(cutter.due(pts) for cutter in self._cutters.values())
            self._asked = due or any(outlet.wants_key for outlet in self._running.values())
            return self._asked

    def _offer(self, item: Item) -> None:
        for outlet in self._running.values():
            outlet.offer(item)

    def _change(self) -> None:
        with self._turn:
            with self._lock:
                wish, self._wish = self._wish, None
                if wish is None:  # a change that came earlier has made this one, too
                    return
                kept = {output for output, outlet in self._running.items() if output in wish and not outlet.failed}
                gone = {output: self._running.pop(output) for output in [*self._running] if output not in kept}
                self._cut(self._cutters)
            new, taken = [output for output in wish if output not in kept], {_place(output) for output in gone}
            ends = [_in_thread(partial(outlet.close, over=self._is_over(one, wish))) for one, outlet in gone.items()]
            self._start(output for output in new if _place(output) not in taken)
            for end in ends:
                end.result()
            self._start(output for output in new if _place(output) in taken)

    def _is_over(self, output: Output, wish: Sequence[Output]) -> bool:
        """Whether nothing goes on where an output ends."""
        return self._over if self._closed else _place(output) not in {_place(other) for other in wish}

    def _start(self, outputs: Iterable[Output]) -> None:
        added = {output: outlet for output in outputs if (outlet := self._started(output)) is not None}
        with self._lock:
            self._running.update(added)
            self._cut({output: self._cutter(output) for output in self._running if isinstance(output, HlsOutput)})
            for outlet in added.values():
                for opened in (self._sound, self._track):
                    if opened is not None:
                        outlet.offer(opened)

    def _started(self, output: Output) -> RunningOutlet | None:
        try:
            return RunningOutlet(self._build(output), NAMES[type(output)], self._notice)
        except Unavailable as error:
            self._notice("output-failed", str(error))
        except VisavisError as error:
            self._notice("output-refused", str(error))
        return None

    def _cut(self, cutters: dict[Output, Cutter]) -> None:
        self._cutters = {output: cutter for output, cutter in cutters.items() if output in self._running}

    def _cutter(self, output: HlsOutput) -> Cutter:
        if output in self._cutters:
            return self._cutters[output]
        cutter = Cutter(output.segment_seconds)
        if self._track is not None:
            cutter.begin(self._track)
        return cutter


def _place(output: Output) -> object:
    """Two outputs of the same place are made one after the other: a playlist has one writer, a stream one publisher."""
    return output if isinstance(output, RtmpOutput) else type(output)


def _in_thread(work: Callable[[], None]) -> Future[None]:
    """Work that waits for others, and for which nobody else is to wait: in a thread of its own."""
    done: Future[None] = Future()
    done.set_running_or_notify_cancel()  # it cannot be cancelled

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001  -- the end of a thread: whoever asks hears of it
            done.set_exception(error)
        else:
            done.set_result(None)

    threading.Thread(target=run, name="outputs", daemon=True).start()
    return done
