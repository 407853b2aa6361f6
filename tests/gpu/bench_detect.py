"""Frames a second that faces are found in on a card: by crops made and models fed there, and by way of the host.

Every frame is searched for new faces, and the one that is seen gets its landmarks: detector and mesh, as the service
runs them, whole batches of frames of different sessions. Three ways take turns, on the same card by the same provider:

* here: frames in the card's memory, crops by our own kernel, models fed where those lie, faces chosen by a kernel;
* host: frames in the host's memory, crops by OpenCV, `session.run` on NumPy's arrays: the detector's graph takes one
  picture, the mesh takes all crops of the batch at once;
* host, bare nets: as before, but the nets of the detector take all pictures at once, and nobody chooses the faces of
  what they say; the mesh gets the crops that were found before. What a batched graph could come to at best.
"""

from __future__ import annotations

import json
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from services.detect.batching import Batches
from services.detect.blazeface import USUAL_PX
from services.detect.cuda.pictures import CardView
from services.detect.engine import Engine, why_not
from services.detect.landmarker import GraphLandmarker
from services.detect.models.headless import headless
from services.detect.models.quantizing import to_fp16
from services.detect.models.registry import BLAZEFACE, FACE_MESH_NAME, FULL_RANGE
from services.detect.models.store import read
from services.detect.opening import open_models
from services.detect.providers import COMPILED, provision
from services.detect.sampling import sample_all
from services.detect.settings import DetectSettings
from shared.cuda.card import Card
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.gpu.figures import told
from visavis.sample import portrait_jpeg

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from services.detect.contracts import Detector, Landmarker, Shown
    from services.detect.engine import Provider
    from services.detect.regions import Region
    from shared.cuda.device import Device

WIDTH, HEIGHT = 1920, 1080
BATCHES = (1, 16, 32)
ROUNDS = 15
PARTS = ("crops", "detector", "mesh", "mesh, not recorded", "mesh in FP16")
USUAL = 1
"""The turn of a search that is no session's first."""


def measure(device: Device | None = None, batches: Sequence[int] = BATCHES, rounds: int = ROUNDS) -> dict[str, Any]:
    """Frames a second of each way and their ratios, and milliseconds of our way's parts, by the size of the batch."""
    cv2.setNumThreads(1)
    device = device or Card()
    folder = DetectSettings().models.expanduser()
    word = "cuda" if device.memory == "cuda" else "cpu"
    providers = provision(word, why_not, threads=1, cache=folder / COMPILED).entries
    models = open_models(folder, providers=providers, devices=[device])
    fixed = Batches(max(batches), tuple(batches), divisible=False)
    models.warm_up(batches)
    detector, mesh = models.detector(BLAZEFACE), models.landmarker(FACE_MESH_NAME)
    from_host = open_models(folder, providers=providers)  # the same provider, fed by NumPy
    host_detector, host_mesh = from_host.detector(BLAZEFACE), from_host.landmarker(FACE_MESH_NAME)
    nets = _nets(folder, providers)
    others = _other_meshes(folder, providers, device)
    host = framed()
    [seen] = host_detector.detect(host, USUAL)
    region = mesh.region_of_detection(seen)
    figures: dict[str, Any] = {}
    for batch in batches:
        seconds: dict[str, list[float]] = defaultdict(list)
        frames = [host] * batch
        there = [CardView(CardPicture.uploaded(device, nv12_of(host)), device) for _ in frames]
        ways: dict[str, Callable[[], object]] = {
            "here": lambda: _here(detector, mesh, fixed, there),  # noqa: B023  -- called in this round of the loop
            "host": lambda: _host(host_detector, host_mesh, fixed, frames),  # noqa: B023
            "host, bare nets": lambda: _bare(nets, host_mesh, frames, region),  # noqa: B023
        } | _parts(detector, {"mesh": mesh} | others, there, region)
        for number in range(rounds + 2):
            for name, way in ways.items():
                took = _timed(way, device)
                if number > 1:  # the first ones find memory and kernels
                    seconds[name].append(took)
        figures |= told(_figures({name: median(took) for name, took in seconds.items()}, batch))
    return figures


def _figures(seconds: dict[str, float], batch: int) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    for way in ("here", "host", "host, bare nets"):
        figures[f"{way}, batch {batch}, frames/s"] = round(batch / seconds[way])
    for way in ("host", "host, bare nets"):
        figures[f"here over {way}, batch {batch}"] = round(seconds[way] / seconds["here"], 2)
    for part in PARTS:
        figures[f"{part}, batch {batch}, ms"] = round(1000 * seconds[part], 3)
    return figures


def _here(detector: Detector, mesh: Landmarker, batches: Batches, there: Sequence[Shown]) -> None:
    faces = detector.detect_all(there, [USUAL] * len(there))
    batches.locate(mesh, [(view, mesh.region_of_detection(one[0])) for view, one in zip(there, faces, strict=True)])


def _host(detector: Detector, mesh: Landmarker, batches: Batches, frames: Sequence[Picture]) -> None:
    faces = [detector.detect(frame, USUAL) for frame in frames]
    batches.locate(mesh, [(frame, mesh.region_of_detection(one[0])) for frame, one in zip(frames, faces, strict=True)])


def _bare(nets: Engine, mesh: Landmarker, frames: Sequence[Picture], region: Region) -> None:
    scale = WIDTH / USUAL_PX
    affine = np.array([[scale, 0, 0], [0, scale, HEIGHT / 2 - scale * 64]])
    nets.run(image=sample_all([(frame, affine) for frame in frames], (USUAL_PX, 128), black_outside=True))
    mesh.locate(mesh.crops([(frame, region) for frame in frames]))


def _parts(
    detector: Detector, meshes: dict[str, Landmarker], there: Sequence[CardView], region: Region
) -> dict[str, Callable[[], object]]:
    spots = [(view, region) for view in there]
    crops = meshes["mesh"].crops(spots)
    return {
        "crops": lambda: meshes["mesh"].crops(spots),
        "detector": lambda: detector.detect_all(there, [USUAL] * len(there)),
        **{name: partial(mesh.locate, crops) for name, mesh in meshes.items()},
    }


def _other_meshes(folder: Path, providers: Sequence[Provider], device: Device) -> dict[str, Landmarker]:
    """As the mesh is not run: without being recorded, and recorded in FP16."""
    entry = read(folder).entry(FACE_MESH_NAME)
    forms: dict[str, Callable[[bytes], bytes]] = {"mesh, not recorded": bytes, "mesh in FP16": to_fp16}
    meshes: dict[str, Landmarker] = {}
    for name, form in forms.items():
        engine = Engine(folder / entry.file, entry.sha256, 1, providers, devices=[device], form=form)
        meshes[name] = GraphLandmarker(engine, size_px=entry.sizes_px[0], points=entry.points)
    meshes["mesh in FP16"].warm_up(BATCHES)
    return meshes


def _nets(folder: Path, providers: Sequence[Provider]) -> Engine:
    entry = read(folder).entry(FULL_RANGE.name)
    return Engine(folder / entry.file, entry.sha256, 1, providers, form=headless)


def _timed(way: Callable[[], object], device: Device) -> float:
    device.synchronize()
    started = time.perf_counter()
    way()
    device.synchronize()
    return time.perf_counter() - started


def framed() -> Picture:
    """The portrait as a frame of 1080p, 4:2:0."""
    pixels = cv2.imdecode(np.frombuffer(portrait_jpeg(), np.uint8), cv2.IMREAD_COLOR)
    planes = cv2.cvtColor(cv2.resize(pixels, (WIDTH, HEIGHT)), cv2.COLOR_BGR2YUV_I420)
    return Picture.over(Geometry(PixelFormat.I420, WIDTH, HEIGHT), Colour(), np.ascontiguousarray(planes).reshape(-1))


def nv12_of(frame: Picture) -> Picture:
    """The same with Cb and Cr in one plane, as a card's decoder gives it."""
    luma, *chroma = frame.planes
    geometry = Geometry(PixelFormat.NV12, frame.geometry.width, frame.geometry.height)
    return Picture(geometry, frame.colour, (luma, np.stack(chroma, axis=-1)))


if __name__ == "__main__":
    print(json.dumps(measure()))
