"""Hands an encoder's packets, and the source's sound, to every output of a live session; the list can change."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from services.render.outputs.outlet import RunningOutlet
from services.render.outputs.segments import Cutter
from shared.model.errors import VisavisError
from shared.model.live import HlsOutput, Output, RecordOutput, RtmpOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from services.render.outputs.outlet import Item, Notice, Outlet
    from services.render.packets import EncodedPacket, PictureTrack
    from shared.model.live import SoundOpened, SoundPacket

NAMES = {HlsOutput: "The HLS stream", RtmpOutput: "The push to an RTMP server", RecordOutput: "The recording"}


class OutletCounts(NamedTuple):
    """What became of one output's pictures."""

    output: Output
    written: int
    dropped: int
    failed: bool


class Outlets:
    """The fan. `begin`, `write` and their like never wait and never raise for what an output does.

    They are called by the encoder's thread; `change` and `close`, which wait for outputs that end, by any other.
    """

    def __init__(self, build: Callable[[Output], Outlet], notice: Notice) -> None:
        """build: makes the outlet of an output. notice: is told in any thread what happens to outputs."""
        self._build, self._notice = build, notice
        self._running: dict[Output, RunningOutlet] = {}
        self._cutters: dict[Output, Cutter] = {}
        self._lock = threading.Lock()
        self._track: PictureTrack | None = None
        self._sound: SoundOpened | None = None
        self._asked = False

    def change(self, outputs: Sequence[Output]) -> None:
        """Make these outputs from now on: new ones begin with the next key frame, others end properly."""
        wanted = [output for output in dict.fromkeys(outputs) if output not in self._running]
        added = {output: outlet for output in wanted if (outlet := self._started(output)) is not None}
        with self._lock:
            gone = [self._running.pop(output) for output in [*self._running] if output not in outputs]
            self._running.update(added)
            self._cutters = {output: self._cutter(output) for output in self._running if isinstance(output, HlsOutput)}
            for outlet in added.values():
                for opened in (self._sound, self._track):
                    if opened is not None:
                        outlet.offer(opened)
        _close(gone)

    def begin(self, track: PictureTrack) -> None:
        """Packets of this encoder follow."""
        with self._lock:
            self._track = track
            for cutter in self._cutters.values():
                cutter.begin(track)
        self._offer(track)

    def open_sound(self, sound: SoundOpened) -> None:
        """This sound goes with the pictures."""
        self._sound = sound
        self._offer(sound)

    def write(self, packet: EncodedPacket) -> None:
        """The encoder's next packet."""
        if packet.key:
            self._asked = False
            for cutter in self._cutters.values():
                if cutter.due(packet.pts):
                    cutter.cut(packet.pts)
        self._offer(packet)

    def write_sound(self, packet: SoundPacket) -> None:
        """The next piece of sound; it may be ahead of its pictures."""
        self._offer(packet)

    def wants_key(self, pts: int) -> bool:
        """Whether the picture at pts should be a key frame: a segment is due, or an output waits for one.

        Asked before each picture is encoded. Yes is said once, until a key frame comes.
        """
        if self._asked:
            return False
        with self._lock:
            due = any(cutter.due(pts) for cutter in self._cutters.values())
            self._asked = due or any(outlet.wants_key for outlet in self._running.values())
            return self._asked

    def counts(self) -> tuple[OutletCounts, ...]:
        """What became of the pictures of each output."""
        with self._lock:
            return tuple(OutletCounts(key, one.written, one.dropped, one.failed) for key, one in self._running.items())

    def close(self) -> None:
        """End every output properly."""
        with self._lock:
            gone = list(self._running.values())
            self._running.clear()
            self._cutters.clear()
        _close(gone)

    def _offer(self, item: Item) -> None:
        with self._lock:
            for outlet in self._running.values():
                outlet.offer(item)

    def _started(self, output: Output) -> RunningOutlet | None:
        try:
            return RunningOutlet(self._build(output), NAMES[type(output)], self._notice)
        except VisavisError as error:
            self._notice("output-refused", str(error))
            return None

    def _cutter(self, output: HlsOutput) -> Cutter:
        if output in self._cutters:
            return self._cutters[output]
        cutter = Cutter(output.segment_seconds)
        if self._track is not None:
            cutter.begin(self._track)
        return cutter


def _close(outlets: Sequence[RunningOutlet]) -> None:
    """All at once: one that hangs does not keep the others from ending."""
    threads = [threading.Thread(target=outlet.close, name="closing outlet") for outlet in outlets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
