"""How calm landmarks are on still faces, and how far they lag behind faces that move: `python -m tests.bench.calm`.

Everything is in hundredths of the distance between the outer corners of the eyes, or in frames. A still face is one
real frame again and again under noise that is new each time, found by the real models; faces that move are those of the
clips, as they are and with every second frame left out. One Euro (Casiez 2012) on each coordinate, with the
parameters of MediaPipe's pose graph, stands beside it.
"""

from __future__ import annotations

import io
import json
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np

from services.detect.finding import FaceFinder
from services.detect.models.preparing import prepare
from services.render.tracking import Tracks
from shared.model.faces import Face
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from visavis.settings import LocalSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    Film = list[NDArray[np.uint8]]
    Points = NDArray[np.float64]

MEDIA = Path(__file__).parents[3] / "shared" / "media"
STILLS = (("signer_plain.mkv", 50), ("signer_occluded.mkv", 2), ("two_heads.mp4", 35), ("signer_720p.mp4", 250))
"""Clip, and the frame that is held."""
CLIPS = ("signer_plain.mkv", "signer_occluded.mkv", "two_heads.mp4")
STILL_FRAMES, SETTLED = 60, 15
"""Length of a still film at 30 frames a second, and what of it is left to the filter to settle."""
DETECT_EVERY = 8
FAST = 0.02
"""A face is fast that moves by so much between two frames, in distances between the eyes."""
EYES = (33, 263)


def measure(models: Path) -> dict[str, Any]:
    """All figures; where the clips are missing, one sentence under `skipped`."""
    if not MEDIA.exists():
        return {"skipped": f"Not on this machine: {MEDIA}."}
    cv2.setNumThreads(1)
    finder = FaceFinder.load(models)
    return {
        "still": {kind: _stills(finder, noise) for kind, noise in NOISES.items()},
        "moving": {f"x{step}": _moving(finder, step) for step in (1, 2)},
        "microseconds_per_face": _cost(finder),
    }


def _stills(finder: FaceFinder, noise: Callable[[NDArray[np.uint8]], Film]) -> dict[str, dict[str, float]]:
    found = {}
    for name, number in STILLS:
        times, faces = _found(finder, noise(_film(name)[number]), 30.0)
        jitters = {how: _jitter(calm(times, faces)[SETTLED:]) for how, calm in WAYS.items()}
        found[f"{name}#{number}"] = {how: round(100 * jitter, 3) for how, jitter in jitters.items()}
    return found


def _moving(finder: FaceFinder, step: int) -> dict[str, dict[str, float]]:
    figures: dict[str, dict[str, float]] = {}
    for name in CLIPS:
        times, raw = _found(finder, _film(name)[::step], _rate(name))
        unit = np.median(_between_eyes(raw))
        quiet = _quietest(raw)
        speed = np.linalg.norm(np.diff(raw[..., :2].mean(axis=1), axis=0, prepend=np.nan), axis=1) / unit
        figures[name] = {"fast_frames": float((speed > FAST).sum())}
        for how, calm in WAYS.items():
            points = calm(times, raw)
            trembling = np.linalg.norm((points - _parabolas(points))[quiet, :, :2], axis=2) / unit
            figures[name][f"{how}_trembling_where_quietest"] = round(100 * float(np.sqrt((trembling**2).mean())), 3)
            figures[name][f"{how}_lag_frames"] = round(_lag(points, raw, speed > FAST), 2)
            behind = np.linalg.norm((points - raw)[..., :2], axis=2).mean(axis=1) / unit
            figures[name][f"{how}_behind_p95"] = round(100 * float(np.percentile(behind, 95)), 2)
    return figures


def _found(finder: FaceFinder, film: Film, rate: float) -> tuple[list[float], Points]:
    """Times, and the landmarks [frames, 468, 3] of the face that is followed from the first frame to the last."""
    faces: list[Face] | None = None
    found: list[NDArray[np.float32]] = []
    for number, frame in enumerate(film):
        faces = finder.find(_picture(frame), faces, detect=number % DETECT_EVERY == 0)
        near = found[-1] if found else faces[0].landmarks_px
        found.append(min((one.landmarks_px for one in faces), key=lambda points: float(np.abs(points - near).mean())))
    return [number / rate for number in range(len(film))], np.stack(found).astype(np.float64)


def _as_found(times: Sequence[float], points: Points) -> Points:
    return points


def _calmed(times: Sequence[float], points: Points) -> Points:
    tracks, calm = Tracks(), []
    for seconds, found in zip(times, points, strict=True):
        tracks, (face,) = tracks.seen([Face.of(found.astype(np.float32), 1.0)], seconds)
        calm.append(face.landmarks_px)
    return np.stack(calm).astype(np.float64)


def _one_euro(times: Sequence[float], points: Points) -> Points:
    """Each coordinate by itself; 0.05 Hz, beta 80, 1 Hz and a scale by size as MediaPipe has for poses."""
    calm, speed = [points[0]], np.zeros_like(points[0])
    for before, now, found in zip(times, times[1:], points[1:], strict=False):
        size = float(np.ptp(found[:, :2], axis=0).mean())
        speed += _weight(1.0, now - before) * ((found - calm[-1]) / size / (now - before) - speed)
        calm.append(calm[-1] + _weight(0.05 + 80 * np.abs(speed), now - before) * (found - calm[-1]))
    return np.stack(calm)


def _weight(cutoff: Any, seconds: float) -> Any:
    rate = 2 * np.pi * cutoff * seconds
    return rate / (rate + 1)


WAYS: dict[str, Callable[[Sequence[float], Points], Points]] = {
    "found": _as_found,
    "calmed": _calmed,
    "one_euro": _one_euro,
}


def _jitter(points: Points) -> float:
    """RMS over points and time of the distance from where the point is on the mean."""
    away = (points - points.mean(axis=0))[..., :2]
    return float(np.sqrt((away**2).sum(axis=2).mean()) / np.median(_between_eyes(points)))


def _quietest(points: Points, frames: int = 15) -> slice:
    """The frames of a film, not the first nor the last, along which the face moves least."""
    path = np.linalg.norm(np.diff(points[..., :2].mean(axis=1), axis=0), axis=1)
    starts = range(4, len(points) - frames - 4)
    start = min(starts, key=lambda first: float(path[first : first + frames].sum()))
    return slice(start, start + frames)


def _parabolas(points: Points) -> Points:
    """Each point where a parabola through the nine frames around has it: a way without trembling; the ends as are."""
    at = np.arange(-4, 5)
    weights = np.linalg.pinv(np.stack([at**0, at, at**2], axis=1))[0]
    smooth = points.copy()
    for middle in range(4, len(points) - 4):
        smooth[middle] = np.tensordot(weights, points[middle - 4 : middle + 5], 1)
    return smooth


def _lag(calm: Points, raw: Points, fast: NDArray[np.bool_]) -> float:
    """By how many frames the raw landmarks must be delayed to be most like the calm ones in fast frames."""
    frames = np.arange(len(raw))
    misses = {}
    for lag in np.arange(-10, 61) / 20:
        source = np.clip(frames - lag, 0, len(raw) - 1)
        first = np.minimum(source.astype(int), len(raw) - 2)
        delayed = raw[first] + (source - first)[:, None, None] * (raw[first + 1] - raw[first])
        misses[float(lag)] = float((((calm - delayed)[fast, :, :2]) ** 2).mean())
    return min(misses, key=lambda lag: misses[lag])


def _cost(finder: FaceFinder) -> float:
    """Median of naming and calming a face, over the frames of a clip, the least of five rounds."""
    film = _film("signer_plain.mkv")
    hint: list[Face] | None = None
    frames = [hint := finder.find(_picture(frame), hint, detect=number % 8 == 0) for number, frame in enumerate(film)]
    rounds = []
    for _ in range(5):
        tracks, spent = Tracks(), []
        for number, faces in enumerate(frames):
            begun = time.perf_counter()
            tracks, _named = tracks.seen(faces, number / 30)
            spent.append(time.perf_counter() - begun)
        rounds.append(statistics.median(spent))
    return round(1e6 * min(rounds), 1)


def _between_eyes(points: Points) -> Points:
    return np.asarray(np.linalg.norm(points[:, EYES[0], :2] - points[:, EYES[1], :2], axis=1))


def _film(name: str) -> Film:
    with av.open(str(MEDIA / name)) as file:
        return [_array(frame) for frame in file.decode(video=0)]


def _array(frame: av.VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(), np.uint8)


def _rate(name: str) -> float:
    with av.open(str(MEDIA / name)) as file:
        return float(file.streams.video[0].average_rate or 30)


def _picture(frame: NDArray[np.uint8]) -> Picture:
    geometry = Geometry(PixelFormat.I420, frame.shape[1], frame.shape[0] * 2 // 3)
    return Picture.over(geometry, Colour(), np.ascontiguousarray(frame).reshape(-1))


def _noisy(frame: NDArray[np.uint8], deviation: float) -> Film:
    rng = np.random.default_rng(1)
    films = (frame + rng.normal(0, deviation, frame.shape) for _ in range(STILL_FRAMES))
    return [np.clip(np.rint(film), 0, 255).astype(np.uint8) for film in films]


def _coded(film: Film) -> Film:
    """As a live encoder would send it: x264, veryfast, crf 23."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast", "crf": "23"})
        stream.width, stream.height, stream.pix_fmt = film[0].shape[1], film[0].shape[0] * 2 // 3, "yuv420p"
        for packet in _packets(stream, film):
            container.mux(packet)
    file.seek(0)
    with av.open(file, "r") as coded:
        return [_array(frame) for frame in coded.decode(video=0)]


def _packets(stream: Any, film: Film) -> Iterator[Any]:
    for frame in film:
        yield from stream.encode(av.VideoFrame.from_ndarray(frame, "yuv420p"))
    yield from stream.encode(None)


NOISES: dict[str, Callable[[NDArray[np.uint8]], Film]] = {
    "noise_1": lambda frame: _noisy(frame, 1.0),
    "noise_1_coded": lambda frame: _coded(_noisy(frame, 1.0)),
    "noise_3": lambda frame: _noisy(frame, 3.0),
}
"""Standard deviations in steps of 255. In decoded clips 0.3 to 0.8 are left where nothing moves."""


def main() -> None:
    """Measure and print."""
    models = LocalSettings().models.expanduser()
    prepare(models, print)
    print(json.dumps(measure(models), indent=1))


if __name__ == "__main__":
    main()
