"""One way out of a live session, in a thread of its own: whatever it waits for, the encoder does not."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from services.render.encoding.packets import EncodedPacket, PictureTrack
from shared.model.errors import Unavailable, VisavisError
from shared.model.live import SoundOpened, SoundPacket

if TYPE_CHECKING:
    from collections.abc import Callable

    Notice = Callable[[str, str], None]
    """Told a stable word and a sentence, from any thread."""

WAITING_PACKETS: Final = 500
"""Packets that wait for an outlet, at most: some eight seconds of 30 pictures and 47 pieces of sound a second."""
WAITING_BYTES: Final = 64 << 20
CLOSING_SECONDS: Final = 30.0
"""What an outlet may take to end properly."""

Item = PictureTrack | SoundOpened | EncodedPacket | SoundPacket


class Outlet(Protocol):
    """What is done with packets. All methods but `abort` and `wants_key` are called in one thread."""

    def begin(self, track: PictureTrack) -> None:
        """Pictures of this track follow."""

    def open_sound(self, sound: SoundOpened) -> None:
        """This sound follows."""

    def write(self, packet: EncodedPacket) -> None:
        """The next picture; after a gap it is a key frame."""

    def write_sound(self, packet: SoundPacket) -> None:
        """The next piece of sound."""

    def end(self) -> None:
        """The session is over: what follows under its name, if anything ever does, is another one. `close` follows."""

    def close(self) -> None:
        """Nothing follows here: end properly. Called, too, after another call has failed."""

    def abort(self) -> None:
        """From another thread: stop waiting for whatever it is."""

    @property
    def wants_key(self) -> bool:
        """Whether it waits for a key frame, of which it would like to have one soon."""


class RunningOutlet:
    """An outlet and its thread. `offer` never waits: what finds no room is dropped up to the next key frame."""

    def __init__(self, outlet: Outlet, name: str, notice: Notice) -> None:
        """name: for a person, e.g. `The recording`. notice: is told `output-failed` or `output-refused` if it ends."""
        self.dropped = 0
        """Pictures that found no room, since the first one."""
        self.written = 0
        """Pictures that the outlet has taken."""
        self._outlet, self._name, self._notice = outlet, name, notice
        self._items: deque[Item | None] = deque()
        self._bytes = 0
        self._wake = threading.Condition()
        self._without_reference = True
        self._begun = self._failed = self._over = False
        self._thread = threading.Thread(target=self._run, name="outlet", daemon=True)
        self._thread.start()

    @property
    def failed(self) -> bool:
        """Whether it has ended by itself."""
        return self._failed

    @property
    def wants_key(self) -> bool:
        """Whether a key frame is of use to it now."""
        return not self._failed and (not self._begun or self._outlet.wants_key)

    def offer(self, item: Item) -> None:
        """Have something written, if there is room."""
        with self._wake:
            if self._failed or not self._has_room(item):
                self.dropped += isinstance(item, EncodedPacket) and self._begun
                return
            self._items.append(item)
            self._bytes += len(item.body) if isinstance(item, EncodedPacket) else 0
            self._wake.notify()

    def close(self, timeout_seconds: float = CLOSING_SECONDS, *, over: bool = False) -> None:
        """End; waits so long for what is under way, then gives it up. over: the session itself is over."""
        with self._wake:
            self._over = over
            self._items.append(None)
            self._wake.notify()
        self._thread.join(timeout_seconds)
        if self._thread.is_alive():
            self._outlet.abort()
            self._thread.join(timeout_seconds)

    def _has_room(self, item: Item) -> bool:
        if isinstance(item, PictureTrack | SoundOpened):
            return True
        room = len(self._items) < WAITING_PACKETS and self._bytes < WAITING_BYTES
        if isinstance(item, SoundPacket):
            return room
        self._without_reference = not room or (self._without_reference and not item.key)
        self._begun = self._begun or not self._without_reference
        return not self._without_reference

    def _run(self) -> None:
        try:
            while (item := self._next()) is not None:
                self._write(item)
            if self._over:
                self._outlet.end()
            self._outlet.close()
        except Unavailable as error:
            self._fail("output-failed", str(error))
        except VisavisError as error:
            self._fail("output-refused", str(error))
        except Exception as error:  # noqa: BLE001  -- the end of a thread: the session goes on without this output
            self._fail("output-failed", f"{self._name} has failed ({type(error).__name__}) and is given up.")

    def _next(self) -> Item | None:
        with self._wake:
            while not self._items:
                self._wake.wait()
            item = self._items.popleft()
            self._bytes -= len(item.body) if isinstance(item, EncodedPacket) else 0
            return item

    def _write(self, item: Item) -> None:
        match item:
            case PictureTrack():
                self._outlet.begin(item)
            case SoundOpened():
                self._outlet.open_sound(item)
            case EncodedPacket():
                self._outlet.write(item)
                self.written += 1
            case SoundPacket():
                self._outlet.write_sound(item)

    def _fail(self, kind: str, detail: str) -> None:
        with self._wake:
            self._failed = True
            self._items.clear()
            self._bytes = 0
        self._notice(kind, detail)
        try:  # what it has made so far is kept, and nothing is left open
            self._outlet.close()
        except Exception:  # noqa: BLE001  -- the end of a thread: why it failed has been told
            self._outlet.abort()
