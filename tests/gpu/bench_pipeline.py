"""How many streams of 1080p30 a card decodes, searches and draws on, how late a frame is, and what x264 leaves of it.

    python -m tests.gpu.bench_pipeline

prints one JSON object. `decode` and `pipeline` take turns in the same processes, on as many decoders: in the first a
frame is given up as soon as it lies in a picture of its own, in the second its faces are found and the look `natural`
is drawn on it; the finished NV12 stays on the card. Processes are several because of Python's lock. `delay` is one
stream at its own pace, from a packet to its finished NV12. `service` is the whole service, to files by x264.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import threading
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from queue import Queue
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import psutil

from services.detect.batching import Hands, together
from services.detect.cuda.pictures import CardView
from services.detect.following import Following
from services.detect.hints import Hints
from services.detect.loading import load
from services.detect.settings import DetectSettings
from services.ingest.cuda.nvdec import Nvdec
from services.render.cuda.easel import CardEasel
from services.render.cuda.fetching import Fetched
from services.render.cuda.painter import warm
from services.render.session import RenderSession
from shared.cuda.card import Card
from shared.cuda.pictures import CardPicture
from shared.model.frames import CapturedFrame, FrameReference
from shared.model.offers import ModelChoice
from shared.model.pictures import Colour, Geometry, PixelFormat
from shared.model.presets import PRESETS
from tests.gpu.bench_decode import packets_of
from tests.gpu.lanes import finished, frames_lie, write_clip
from visavis.client import Client
from visavis.sample import portrait_jpeg
from visavis.settings import LocalSettings
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.synchronize import Barrier

    from services.ingest.cuda.decoder import CardDecoder, Decoded
    from shared.cuda.device import Device
    from shared.model.pictures import Picture

    Frame = Picture | CardPicture

WIDTH, HEIGHT, RATE, FRAMES = 1920, 1080, 30, 150
COUNTS = ((1, 1), (2, 4), (4, 8), (8, 16))
"""Processes, and streams of all together."""
PASSES, TURNS = 4, 3
"""How often each stream goes through the clip in a turn, and turns of each kind."""
RING = 4
"""Pictures that a stream decodes into."""
JOBS, WORKERS = 8, 4
LOOK = "natural"


class Kind(NamedTuple):
    """What all this runs on."""

    device: Callable[[], Device]
    decoder: Callable[..., CardDecoder]
    providers: str
    size: tuple[int, int] = (WIDTH, HEIGHT)


ON_CARD = Kind(Card, Nvdec, "cuda,cpu")


class Decoding:
    """One stream: a thread decodes it into pictures of its own."""

    def __init__(self, kind: Kind, codec: str, *, is_live: bool = False) -> None:
        geometry = Geometry(PixelFormat.NV12, *kind.size)
        self._device = kind.device()
        self._decoder = (
            kind.decoder(self._device, codec, is_live=is_live) if is_live else kind.decoder(self._device, codec)
        )
        self.free: Queue[CardPicture] = Queue()
        for _ in range(RING):
            self.free.put(CardPicture.blank(self._device, geometry, Colour()))
        self.decoded: Queue[CardPicture | None] = Queue()

    def decode(self, body: bytes, number: int) -> Iterator[CardPicture]:
        """What comes of a packet, each as soon as there is a picture for it."""
        return map(self._copied, self._decoder.decode(body, number, None))

    def run(self, bodies: Sequence[bytes], passes: int) -> None:
        """To the end, which is None."""
        for _ in range(passes):
            for number, body in enumerate(bodies):
                for picture in self.decode(body, number):
                    self.decoded.put(picture)
            for frame in self._decoder.flush():
                self.decoded.put(self._copied(frame))
        self.decoded.put(None)

    def close(self) -> None:
        self._decoder.close()

    def _copied(self, frame: Decoded) -> CardPicture:
        picture = self.free.get()
        luma, chroma = picture.planes
        self._device.copy(frame.luma[:, : luma.shape[1]], luma)
        self._device.copy(frame.chroma[:, : chroma.shape[1]], chroma)
        self._device.synchronize()
        return picture


class Left:
    """A sink whose frames stay where they were drawn."""

    wants_picture, wants_faces, keeps_alpha = True, False, False

    def write(self, picture: Frame, frame: CapturedFrame, faces: Any) -> None:
        return

    def abort(self) -> None:
        return


class Showing:
    """The picture of the moment of one stream, for detect and for render."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.picture: Any = None

    @contextmanager
    def read(self, reference: FrameReference) -> Iterator[Any]:
        yield self.picture

    @contextmanager
    def view(self, reference: FrameReference) -> Iterator[Any]:
        yield CardView(self.picture, self.device)

    def release(self, reference: FrameReference) -> None:
        return


class Drawing:
    """Finds and draws on frames of some streams, on one device."""

    def __init__(self, kind: Kind, streams: int) -> None:
        self.device, self.fetched = kind.device(), Fetched()
        warm(self.device)
        finders = load(DetectSettings(providers=kind.providers), [self.device]).finders
        finders.warm_up()
        self._batches, self._hands, self._hints = finders.batches, Hands(), Hints()
        self._following = Following(finders.of(ModelChoice()), None, DetectSettings().detect_every)
        self._shown = [Showing(self.device) for _ in range(streams)]
        self._sessions = [RenderSession(PRESETS[LOOK], Left(), (1, RATE)) for _ in range(streams)]
        for session in self._sessions:
            session.easel = CardEasel(self.device, self.fetched, print)

    def draw(self, pictures: dict[int, CardPicture]) -> None:
        """The next frame of each stream that has one; waits until they are finished."""
        frames, searches = [], []
        for stream, picture in pictures.items():
            number = self._sessions[stream].frames_done
            frames.append(CapturedFrame(FrameReference(1, stream, 1), number, number))
            self._shown[stream].picture = picture
            hint = self._hints.of(str(stream), frames[-1])
            searches.append(self._following.follow((frames[-1],), hint, self._shown[stream].view))
        for stream, outcome in zip(pictures, together(searches, self._batches, self._hands), strict=True):
            if isinstance(outcome, Exception):
                raise outcome
            self._hints.remember(str(stream), outcome[0])
            self._sessions[stream].feed(outcome, self._shown[stream])
        self.device.synchronize()

    @property
    def faces(self) -> int:
        """That were found, and drawn on, so far."""
        return sum(session.faces_done for session in self._sessions)


def measure(kind: Kind = ON_CARD) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "clip.mp4"
        write_clip(clip, portrait_jpeg(), FRAMES, kind.size)
        figures: dict[str, Any] = {}
        for processes, streams in COUNTS:
            figures |= side_by_side(kind, clip, processes, streams // processes)
        figures |= delay(kind, clip)
        figures |= service(Path(folder), clip)
        return figures


def side_by_side(kind: Kind, clip: Path, processes: int, streams: int) -> dict[str, Any]:
    """Frames a second of decoding alone and of the whole pipeline, of so many processes with so many streams each."""
    spawn = multiprocessing.get_context("spawn")
    together_, told = spawn.Barrier(processes), spawn.Queue()
    running = [spawn.Process(target=_process, args=(kind, clip, streams, together_, told)) for _ in range(processes)]
    for process in running:
        process.start()
    turns = [told.get() for _ in range(processes)]
    for process in running:
        process.join()
    rates: dict[str, list[float]] = {"decode": [], "pipeline": []}
    for number in range(2 * TURNS):
        frames = sum(one[number][1] for one in turns)
        rates[turns[0][number][0]].append(frames / max(one[number][2] for one in turns))
    decode, pipeline = (median(rates[way]) for way in ("decode", "pipeline"))
    name, (faces, fetched) = f"{processes * streams} streams", (sum(one[-1][at] for one in turns) for at in (0, 1))
    return {
        f"decode, {name}: frames/s": round(decode),
        f"pipeline, {name}: frames/s": round(pipeline),
        f"pipeline over decode, {name}": round(pipeline / decode, 3),
        f"pipeline, {name}: 1080p30": int(pipeline // RATE),
        f"faces a frame, {name}": round(faces / (TURNS * PASSES * FRAMES * processes * streams), 3),
        f"pictures that came to the host, {name}": fetched,
    }


def _process(kind: Kind, clip: Path, streams: int, begin: Barrier, told: Any) -> None:
    codec, bodies = packets_of(clip)
    drawing = Drawing(kind, streams)
    turns: list[Any] = []
    for _ in range(TURNS):
        for way in ("decode", "pipeline"):
            decoding = [Decoding(kind, codec) for _ in range(streams)]
            threads = [threading.Thread(target=one.run, args=(bodies, PASSES)) for one in decoding]
            begin.wait()
            started, frames = time.perf_counter(), 0
            for thread in threads:
                thread.start()
            open_ = dict(enumerate(decoding))
            while open_:
                pictures = {stream: one.decoded.get() for stream, one in open_.items()}
                open_ = {stream: one for stream, one in open_.items() if pictures[stream] is not None}
                there = {stream: picture for stream, picture in pictures.items() if picture is not None}
                if way == "pipeline" and there:
                    drawing.draw(there)
                for stream, picture in there.items():
                    decoding[stream].free.put(picture)
                frames += len(there)
            turns.append((way, frames, time.perf_counter() - started))
            for thread, one in zip(threads, decoding, strict=True):
                thread.join()
                one.close()
    told.put([*turns, (drawing.faces, drawing.fetched.frames)])


def delay(kind: Kind, clip: Path) -> dict[str, Any]:
    """Milliseconds from a packet to its finished frame, of one stream at its own pace in one thread."""
    codec, bodies = packets_of(_without_reordering(clip, kind.size))
    decoding, drawing = Decoding(kind, codec, is_live=True), Drawing(kind, 1)
    took, begun = [], time.perf_counter()
    for number, body in enumerate(bodies):
        time.sleep(max(0.0, begun + number / RATE - time.perf_counter()))
        started = time.perf_counter()
        for picture in decoding.decode(body, number):
            drawing.draw({0: picture})
            decoding.free.put(picture)
            took.append((time.perf_counter() - started) * 1000)
    decoding.close()
    half, most = np.percentile(took[RATE:], (50, 99))
    return {"delay, p50 ms": round(float(half), 2), "delay, p99 ms": round(float(most), 2), "delay, frames": len(took)}


def _without_reordering(clip: Path, size: tuple[int, int]) -> Path:
    path = clip.with_name("live.mp4")
    write_clip(path, portrait_jpeg(), 2 * FRAMES, size, tune="zerolatency")
    return path


def service(folder: Path, clip: Path) -> dict[str, Any]:
    """Jobs side by side through the whole service on a card, to files by x264."""
    environment = {"VISAVIS_CARD": "0", "VISAVIS_PROVIDERS": "cuda,cpu", "VISAVIS_JOBS": str(JOBS)}
    models = LocalSettings().models.expanduser()
    options = StackOptions(var=folder / "var", models=models, environment=environment, workers=WORKERS)
    with Stack(options) as stack, Client(stack.rest) as client:
        where = frames_lie(stack)
        finished(client, clip, LOOK)
        before, started = _busy(stack), time.perf_counter()
        threads = [threading.Thread(target=partial(_job, stack.rest, clip)) for _ in range(JOBS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - started
        after = _busy(stack)
    rate = JOBS * FRAMES / seconds
    cores = {name: round((after[name] - before[name]) / seconds, 2) for name in before}
    return {
        "service, frames lie on": where["on"],
        f"service, {JOBS} jobs, x264: frames/s": round(rate),
        f"service, {JOBS} jobs, x264: 1080p30": int(rate // RATE),
        **{f"service, cores of {name}": used for name, used in cores.items()},
    }


def _job(rest: str, clip: Path) -> None:
    with Client(rest) as client:
        finished(client, clip, LOOK)


def _busy(stack: Stack) -> dict[str, float]:
    """Processor seconds of each kind of service so far, its children's with it."""
    busy: dict[str, float] = {}
    for name in stack.services:
        process = psutil.Process(stack.pid(name))
        family = [process, *process.children(recursive=True)]
        seconds = sum(sum(one.cpu_times()[:2]) for one in family)
        kind = name.partition(".")[0]
        busy[kind] = busy.get(kind, 0.0) + seconds
    return busy


if __name__ == "__main__":
    print(json.dumps(measure()))
