"""The stages of a lane as processes, without a bus: sources decode into slots of a pool, finders find faces, painters
draw. Finished frames stay on the card.

Every process has an inbox. What comes into it is a word and what belongs to it; frames are the lane's own messages.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import psutil

from services.detect.batching import Hands, together
from services.detect.cuda.pictures import CardView
from services.detect.following import Following
from services.detect.hints import Hints
from services.detect.loading import load
from services.detect.settings import DetectSettings
from services.render.cuda.painter import warm
from services.render.reading import Devices, Reading
from services.render.session import RenderSession
from shared.memory.card_pool import CardPool
from shared.memory.layout import SlotClass
from shared.model.frames import CapturedFrame, FacesDetected, FramesCaptured, LiveMark
from shared.model.offers import ModelChoice
from shared.model.pictures import Colour, Geometry, PixelFormat
from shared.model.presets import PRESETS
from shared.transport import wire
from tests.gpu.bench_decode import packets_of
from tests.gpu.pools import Left, Pools
from tests.gpu.threads import all_of
from tests.gpu.watching import Watch
from tests.gpu.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

    from services.ingest.cuda.decoder import CardDecoder
    from shared.cuda.device import Device
    from shared.memory.card_memory import CardMemory
    from shared.model.frames import FrameReference
    from tests.gpu.copies import Account
    from tests.gpu.watching import Profiling

RATE, LOOK = 30, "natural"
SLOTS_EACH, SLOT_BYTES = 8, 1920 * 1088 * 3 // 2
"""Of each stream."""
MOST_FRAMES = 4
"""That a finder takes of one stream at a time."""
FREE_POLL_SECONDS = 0.0002
READY_SECONDS, RUN_SECONDS = 400.0, 150.0
"""So long processes may take until they are ready (models choose their kernels), and one run or answer."""
FOR_EVER_NS = 1 << 62
ROLES = ("source", "finder", "painter")
WATCH_WORDS = {"watch": "begin", "watched": "end"}
"""What a process is told, and what of its `Watch` that means."""


class Kind(NamedTuple):
    """What all this runs on."""

    device: Callable[[], Device]
    memory: Callable[[Path], CardMemory]
    decoder: Callable[..., CardDecoder]
    providers: str
    size: tuple[int, int] = (1920, 1080)
    profiling: Profiling | None = None
    """By what copies are recorded, where they are to be; that costs time."""


class Crew(NamedTuple):
    """How many processes of each kind work, and on how many streams."""

    streams: int
    sources: int
    finders: int
    painters: int


class Run(NamedTuple):
    """One time through: so many passes of each stream through the clip, decoded alone or all the way."""

    number: int
    crew: Crew
    passes: int
    frames: int
    """Of each stream."""
    is_whole: bool
    is_paced: bool = False
    """At the stream's own pace, as a live one."""


class Stages:
    """The processes, as many as the largest crew has. A context: they are ready in it, and gone afterwards."""

    def __init__(self, kind: Kind, clips: tuple[Path, Path], folder: Path, most: Crew) -> None:
        """clips: one to be decoded as fast as that goes, and one that is played."""
        counts = zip(ROLES, most[1:], strict=True)
        names = [f"{role}-{at}" for role, count in counts for at in range(count)]
        self._sources, self._others = names[: most.sources], names[most.sources :]
        self._frames = [len(packets_of(clip)[1]) for clip in clips]
        paths = [folder / f"pool-{at}" for at in range(most.sources)]
        self.workers = Workers(names, _work, kind, clips, paths, most)
        self.rows: dict[str, list[int]] = {}
        self._count = 0

    def __enter__(self) -> Self:
        try:
            for names in (self._sources, self._others):  # pools are there before they are opened
                self.workers.start(names)
                self.rows = self.workers.heard(names, READY_SECONDS)
        except BaseException as error:
            self.workers.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.workers.__exit__(kind, error, traceback)

    def run(self, crew: Crew, passes: int, *, is_whole: bool, is_paced: bool = False) -> dict[str, Any]:
        """Frames, seconds, faces, pictures that came to the host, delays in milliseconds, cores by role."""
        self._count += 1
        before = self._busy()
        run = Run(self._count, crew, passes, passes * self._frames[is_paced], is_whole, is_paced)
        names = self._names(crew)
        self.workers.tell(names[::-1], "run", (run, self.rows))  # who gets frames knows of the run before they come
        tell = ("source", "painter") if is_whole else ("source",)
        told = self.workers.heard(
            [name for name in names if _has_streams(crew, name) and _role(name) in tell], RUN_SECONDS
        )
        begun = min(one["begun"] for one in told.values() if "begun" in one)
        drawn = [one for one in told.values() if "faces" in one]
        seconds, busy = max(one["ended"] for one in told.values()) - begun, self._busy()
        return {
            "frames": sum(one["frames"] for one in (drawn or told.values())),
            "seconds": seconds,
            "cores": {role: (busy[role] - before[role]) / seconds for role in ROLES},
            "faces": sum(one["faces"] for one in drawn),
            "fetched": sum(one["fetched"] for one in drawn),
            "delays": [delay for one in drawn for delay in one["delays"]],
        }

    def watched(self, crew: Crew, passes: int) -> tuple[dict[str, Any], dict[str, Account]]:
        """As `run` of all the way, and what each process copied meanwhile, by its name."""
        self._ask(self._names(crew), "watch")
        came = self.run(crew, passes, is_whole=True)
        return came, self._ask(self._names(crew), "watched")

    def _names(self, crew: Crew) -> list[str]:
        return [name for name in (*self._sources, *self._others) if _at(name) < int(getattr(crew, f"{_role(name)}s"))]

    def _busy(self) -> dict[str, float]:
        """Processor seconds of each role so far."""
        busy = dict.fromkeys(ROLES, 0.0)
        for name, process in self.workers.processes.items():
            with suppress(psutil.NoSuchProcess):  # what has ended is told of where it is waited for
                busy[_role(name)] += sum(psutil.Process(process.pid).cpu_times()[:2])
        return busy

    def _ask(self, names: list[str], word: str) -> dict[str, Any]:
        self.workers.tell(names, word)
        return self.workers.heard(names, RUN_SECONDS)


def _role(name: str) -> str:
    return name.partition("-")[0]


def _at(name: str) -> int:
    return int(name.partition("-")[2])


def _has_streams(crew: Crew, name: str) -> bool:
    return _at(name) < crew.streams


def _work(
    name: str,
    tell: Callable[[Any], None],
    inboxes: dict[str, Any],
    kind: Kind,
    clips: tuple[Path, Path],
    paths: Sequence[Path],
    most: Crew,
) -> None:
    """Be one of them."""
    watch = None if kind.profiling is None else Watch(kind.profiling)  # before anything of CUDA
    role, at = _role(name), _at(name)
    worker: Any
    if role == "source":
        worker = Source(at, kind, clips, paths[at], most, inboxes)
    else:
        worker = (Finder if role == "finder" else Painter)(at, kind, paths, inboxes)
    tell(worker.greeting)
    while True:
        word, what = inboxes[name].get()
        if word == "end":
            worker.close()
            return
        if word in WATCH_WORDS:
            assert watch is not None, "nothing is watched here"
            tell(getattr(watch, WATCH_WORDS[word])())
        elif (said := getattr(worker, word)(what)) is not None:
            tell(said)


class Source:
    """Decodes its streams, a thread each, into a pool of its own."""

    greeting = None

    def __init__(
        self, at: int, kind: Kind, clips: tuple[Path, Path], path: Path, most: Crew, inboxes: dict[str, Any]
    ) -> None:
        self._at, self._kind, self._inboxes = at, kind, inboxes
        self._clips = [packets_of(clip) for clip in clips]
        streams = -(-most.streams // most.sources)
        self._pool = CardPool.create(path, (SlotClass(streams * SLOTS_EACH, SLOT_BYTES),), kind.memory(path.parent))
        self._geometry = Geometry(PixelFormat.NV12, *kind.size)
        self._turn = threading.Lock()

    def run(self, what: tuple[Run, dict[str, Any]]) -> dict[str, Any] | None:
        """Everything that comes of its streams; None where it has none."""
        run, rows = what
        streams = range(self._at, run.crew.streams, run.crew.sources)
        if not streams:
            return None
        begun = time.monotonic()
        counts = all_of([partial(self._stream, run, rows, stream) for stream in streams], RUN_SECONDS)
        return {"begun": begun, "frames": sum(counts), "ended": time.monotonic()}

    def close(self) -> None:
        self._pool.close()

    def _stream(self, run: Run, rows: dict[str, Any], stream: int) -> int:
        device = self._kind.device()
        live = {"is_live": True} if run.is_paced else {}
        codec, bodies = self._clips[run.is_paced]
        decoder = self._kind.decoder(device, codec, **live)
        painter = stream % run.crew.painters
        row = rows[f"painter-{painter}"][self._at] if run.is_whole else 0
        count, begun = 0, time.monotonic()

        def take(frame: Any, arrived_ns: int) -> None:
            nonlocal count
            slot = self._free_slot(stream)
            picture = self._pool.writable(slot, self._geometry, Colour())
            for source, plane in zip((frame.luma, frame.chroma), picture.planes, strict=True):
                device.copy(source[:, : plane.shape[1]], plane)
            self._pool.written(slot, device)
            if run.is_whole:
                with self._turn:
                    reference = self._pool.seal(slot, self._geometry, Colour(), row)
                mark = LiveMark(count, arrived_ns, FOR_EVER_NS)
                captured = CapturedFrame(reference, count, count, live=mark)
                message = FramesCaptured("bench", f"{run.number}.{stream}", str(painter), (captured,))
                self._inboxes[f"finder-{stream % run.crew.finders}"].put(("frames", wire.encode(message)))
            else:  # the next frame may be written over it, and nobody minds
                with self._turn:
                    self._pool.abandon(slot)
            count += 1

        for number, body in enumerate(chain.from_iterable(repeat(bodies, run.passes))):
            if run.is_paced:
                time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
            arrived_ns = time.time_ns()
            for frame in decoder.decode(body, number, None):
                take(frame, arrived_ns)
        for frame in decoder.flush():
            take(frame, time.time_ns())
        device.synchronize()
        decoder.close()
        return count

    def _free_slot(self, stream: int) -> int:
        while True:
            with self._turn:
                slot = self._pool.lease(self._geometry.size_bytes, str(stream))
            if slot is not None:
                return slot
            time.sleep(FREE_POLL_SECONDS)


class Finder:
    """Finds faces in what waits of all its streams, together."""

    greeting = None

    def __init__(self, at: int, kind: Kind, paths: Sequence[Path], inboxes: dict[str, Any]) -> None:
        self._inbox, self._inboxes = inboxes[f"finder-{at}"], inboxes
        self._device, self._pools = kind.device(), Pools(kind.memory, paths, f"finder-{at}")
        finders = load(DetectSettings(providers=kind.providers), [self._device]).finders
        finders.warm_up()
        self._batches, self._hands, self._hints = finders.batches, Hands(), Hints()
        self._following = Following(finders.of(ModelChoice()), None, DetectSettings().detect_every)
        self._decoder = wire.decoder(FramesCaptured)

    def run(self, _: Any) -> None:
        """It knows sessions by their names."""

    def frames(self, body: bytes) -> None:
        """Messages that wait: this one and those behind it."""
        waiting: dict[str, list[FramesCaptured]] = {}
        message = wire.decode(body, self._decoder)
        waiting[message.session] = [message]
        while not self._inbox.empty() and sum(map(len, waiting.values())) < 32:
            message = wire.decode(self._inbox.get()[1], self._decoder)
            waiting.setdefault(message.session, []).append(message)
        while waiting:
            some = {session: messages[:MOST_FRAMES] for session, messages in waiting.items()}
            waiting = {session: rest for session, messages in waiting.items() if (rest := messages[MOST_FRAMES:])}
            self._find(some)

    def close(self) -> None:
        self._pools.close()

    def _find(self, some: dict[str, list[FramesCaptured]]) -> None:
        frames = {session: tuple(one.frames[0] for one in messages) for session, messages in some.items()}
        searches = [
            self._following.follow(own, self._hints.of(session, own[0]), self._view) for session, own in frames.items()
        ]
        for messages, outcome in zip(some.values(), together(searches, self._batches, self._hands), strict=True):
            if isinstance(outcome, Exception):
                raise outcome
            [first, *_] = messages
            self._hints.remember(first.session, outcome[-1])
            detected = FacesDetected("bench", first.session, first.worker, tuple(outcome))
            self._inboxes[f"painter-{first.worker}"].put(("faces", wire.encode(detected)))

    @contextmanager
    def _view(self, reference: FrameReference) -> Iterator[Any]:
        with self._pools.read(reference, self._device) as picture:
            yield CardView(picture, self._device)


class Painter:
    """Draws the frames of its sessions."""

    def __init__(self, at: int, kind: Kind, paths: Sequence[Path], inboxes: dict[str, Any]) -> None:
        self._at, self._pools = at, Pools(kind.memory, paths, f"painter-{at}")
        self.greeting = self._pools.rows
        self._devices = Devices(kind.device(), kind.device())
        warm(self._devices.drawing)
        self._decoder = wire.decoder(FacesDetected)
        self._sessions: dict[str, tuple[RenderSession, Reading]] = {}
        self._left, self._delays, self._is_paced = 0, list[float](), False

    def run(self, what: tuple[Run, dict[str, Any]]) -> None:
        """What is to come."""
        run, _ = what
        self._sessions.clear()
        self._left = len(range(self._at, run.crew.streams, run.crew.painters)) * run.frames
        self._delays, self._is_paced = [], run.is_paced

    def faces(self, body: bytes) -> dict[str, Any] | None:
        """Faces of some frames; at the end of the run what there is to tell."""
        message = wire.decode(body, self._decoder)
        session, reading = self._session(message.session)
        session.feed(message.frames, reading)
        if self._is_paced:
            self._devices.drawing.synchronize()
            now_ns = time.time_ns()
            marks = [one.captured.live for one in message.frames]
            self._delays += [(now_ns - mark.arrived_ns) / 1e6 for mark in marks if mark is not None]
        self._left -= len(message.frames)
        if self._left:
            return None
        self._devices.drawing.synchronize()
        sessions = [one for one, _ in self._sessions.values()]
        return {
            "frames": sum(one.frames_done for one in sessions),
            "faces": sum(one.faces_done for one in sessions),
            "fetched": sum(reading.fetched.frames for _, reading in self._sessions.values()),
            "ended": time.monotonic(),
            "delays": self._delays,
        }

    def close(self) -> None:
        self._pools.close()

    def _session(self, name: str) -> tuple[RenderSession, Reading]:
        if name not in self._sessions:
            reading = Reading(self._pools, self._devices, print)  # type: ignore[arg-type]  # reads as a LaneReader does
            session = RenderSession(PRESETS[LOOK], Left(), (1, RATE))
            session.easel = reading.easel
            self._sessions[name] = session, reading
        return self._sessions[name]
