"""How many faces are found, how well landmarks lie and how calm they are, on real clips: docs/accuracy.md.

`python -m tests.bench.accuracy` measures, prints and writes the table anew.
"""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from services.detect.finding import FaceFinder
from services.detect.models.preparing import prepare
from services.ingest.limits import IngestLimits
from services.ingest.videos.file import VideoFile
from services.render.tracking import Tracks
from shared.model.errors import Unavailable
from shared.model.faces import Face
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.bench.accuracy_peers import Scrfd, mediapipe_full_range
from tests.bench.accuracy_scenes import nobody, read_sources, scenes
from tests.bench.accuracy_scores import SAME_FACE, Tally, distance, errors, jitter, same, series, still_windows
from tests.bench.accuracy_table import table
from tests.bench.environments import environment, older_python
from visavis.settings import LocalSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tests.bench.accuracy_peers import See, Seen
    from tests.bench.accuracy_scenes import Image, Source

    Landmarks = NDArray[Any]

SHARED = Path(__file__).parents[3] / "shared"
SCRFD_FILE = "scrfd_2.5g_kps.onnx"
PEER, PYTHONS = "mediapipe==0.10.21", ((3, 12), (3, 9))
CLIPS = {"signer_plain.mkv": 30, "signer_occluded.mkv": 30, "two_heads.mp4": 12}
"""Clips that golden has, and their frames a second."""
DETECT_EVERY = 8
"""As detect's setting."""
MOST_FACES = 64
NOBODY, NOBODY_FOR_SCRFD = 1000, 100
"""SCRFD takes a tenth of a second for a picture: it is shown the first of them only."""
SURE_OF_TRUTH = 0.5
"""Least score of SCRFD in whole frames at their own size for a face to be asked for."""
DEFAULT = 0.5
"""Threshold that MediaPipe and insightface take where none is asked for."""
FIRST, USUAL, MEDIAPIPE, SCRFD = "visavis", "visavis, usual search", "mediapipe", "scrfd-2.5g"
TABLE = Path("docs/accuracy.md")


def measure(models: Path) -> dict[str, Any]:
    """All figures; where what is needed is missing, one sentence under `skipped`.

    models: the folder of prepared models.
    """
    needed = [SHARED / "media", SHARED / "golden", SHARED / "models" / SCRFD_FILE]
    if missing := [str(path) for path in needed if not path.exists()]:
        return {"skipped": f"Not on this machine: {', '.join(missing)}."}
    cv2.setNumThreads(1)
    started = time.perf_counter()
    scrfd = Scrfd(SHARED / "models" / SCRFD_FILE)
    sources = read_sources(SHARED / "media", lambda pixels: _boxes(scrfd(pixels)))
    finder = FaceFinder.load(models, max_faces=MOST_FACES)
    figures = {"detection": _detection(finder, scrfd, sources), "landmarks": _landmarks(finder)}
    return figures | {"seconds": time.perf_counter() - started}


def _boxes(seen: Seen) -> NDArray[np.float64]:
    return np.array([box for box, score in seen if score >= SURE_OF_TRUTH], float).reshape(-1, 4)


def _detection(finder: FaceFinder, scrfd: See, sources: Sequence[Source]) -> dict[str, Any]:
    with ExitStack() as stack:
        eyes = {FIRST: _ours(finder, 0), USUAL: _ours(finder, 1), SCRFD: scrfd}
        note = {}
        try:
            python = environment(PEER.replace("==", "-"), [PEER], older_python(*PYTHONS))
            eyes[MEDIAPIPE] = stack.enter_context(mediapipe_full_range(python))
        except Unavailable as reason:
            note = {"mediapipe_skipped": str(reason)}
        tallies, false = _tallies(eyes, sources)
    precision = tallies[FIRST].precision()
    least = {FIRST: 0.0, USUAL: 0.0}  # ours are asked for what they give, the others at the same precision
    least |= {name: tallies[name].least_score(precision) for name in tallies if name not in least}
    return note | {
        "precision": precision,
        "faces": {kind: len(scores) for kind, scores in tallies[FIRST].by_kind.items() if scores},
        "least_score": least,
        "recall": {name: _recall(tally, least[name]) for name, tally in tallies.items()},
        "recall_by_default": {name: _recall(tallies[name], DEFAULT) for name in tallies if name not in (FIRST, USUAL)},
        "golden_boxes_found": _golden_found(finder),
        "false_per_1000": {
            name: _per_1000(scores, name, 0.0 if name in (FIRST, USUAL) else DEFAULT) for name, scores in false.items()
        },
    }


def _tallies(eyes: dict[str, See], sources: Sequence[Source]) -> tuple[dict[str, Tally], dict[str, list[float]]]:
    """Of each detector: its tally over scenes and some pictures without a face; its scores in all of the latter."""
    tallies = {name: Tally() for name in eyes}
    for scene in scenes(sources):
        for name, see in eyes.items():
            kind = f"{scene.kind} {100 * scene.height:g} %"
            tallies[name].add(kind, see(scene.pixels), scene.faces.tolist(), scene.unsure.tolist())
    false: dict[str, list[float]] = {name: [] for name in eyes}
    for number, pixels in enumerate(nobody(sources, NOBODY)):
        for name, see in eyes.items():
            if name == SCRFD and number >= NOBODY_FOR_SCRFD:
                continue
            seen = see(pixels)
            false[name] += [score for _, score in seen]
            if number < NOBODY_FOR_SCRFD:
                tallies[name].add("nobody", seen, [], [])
    return tallies, false


def _per_1000(scores: Sequence[float], name: str, least: float) -> float:
    pictures = NOBODY_FOR_SCRFD if name == SCRFD else NOBODY
    return 1000 * sum(score >= least for score in scores) / pictures


def _recall(tally: Tally, least: float) -> dict[str, float]:
    kinds = [kind for kind, scores in tally.by_kind.items() if scores]
    return {"all": tally.recall(least)} | {kind: tally.recall(least, kind) for kind in kinds}


def _ours(finder: FaceFinder, turn: int) -> See:
    def see(pixels: Image) -> Seen:
        height, width = pixels.shape[:2]
        picture = Picture.over(Geometry(PixelFormat.RGB24, width, height), Colour(), np.ascontiguousarray(pixels))
        return [(face.box_px, face.score) for face in finder.find(picture, turn=turn)]

    return see


def _golden_found(finder: FaceFinder) -> float:
    """Share of the boxes that MediaPipe's full range draws in whole frames in which we find a face."""
    found = []
    for clip in CLIPS:
        golden = _golden(clip)
        for number, picture in enumerate(_pictures(clip)):
            faces = [face.box_px for face in finder.find(picture)]
            boxes = golden["box"][golden["box_frame"] == number, :4].tolist()
            found += [any(same(face, box) for face in faces) for box in boxes]
    return sum(found) / len(found)


def _landmarks(finder: FaceFinder) -> dict[str, Any]:
    """Against golden, and the jitter of still faces: ours, ours smoothed, and MediaPipe's in the same windows."""
    off: dict[str, list[float]] = {}
    shaking: dict[str, list[float]] = {}
    for clip, rate in CLIPS.items():
        golden, found = _golden(clip), _followed(finder, clip)
        meshes = [list(golden["mesh"][golden["mesh_frame"] == number]) for number in range(len(found))]
        off[clip] = errors(found, meshes)
        for face in series(found):
            windows = still_windows(face)
            ways = {"visavis": face, "smoothed": _calmed(face, rate)}
            theirs = next((one for one in series(meshes) if distance(one[0], face[0]) < SAME_FACE), None)
            ways |= {"mediapipe": theirs} if theirs is not None else {}
            for name, landmarks in ways.items():
                shaking.setdefault(name, []).extend(jitter(landmarks, start) for start in windows)
    return {
        "nme": {
            clip: {"median": median(values), "p90": float(np.percentile(values, 90)), "faces": len(values)}
            for clip, values in off.items()
        },
        "jitter": {name: median(values) for name, values in shaking.items() if values},
        "still_windows": len(shaking.get("visavis", ())),
    }


def _followed(finder: FaceFinder, clip: str) -> list[list[Landmarks]]:
    """Landmarks [468, 3] of every face in every frame, as a session finds them."""
    found: list[list[Landmarks]] = []
    faces = None
    for number, picture in enumerate(_pictures(clip)):
        faces = finder.find(picture, faces, detect=number % DETECT_EVERY == 0, turn=number // DETECT_EVERY)
        found.append([face.landmarks_px for face in faces])
    return found


def _calmed(landmarks: Landmarks, rate: int) -> Landmarks:
    """The landmarks [frames, 468, 3] of one face as render smooths them."""
    tracks, calm = Tracks(), []
    for number, points in enumerate(landmarks):
        tracks, faces = tracks.seen([Face.of(points, 1.0)], number / rate)
        calm.append(faces[0].landmarks_px)
    return np.stack(calm)


def _pictures(clip: str) -> Iterator[Picture]:
    """Every frame as the services see it; each is gone when the next comes."""
    with VideoFile(SHARED / "media" / clip, IngestLimits()) as video:
        picture = Picture.blank(video.facts.geometry, video.facts.colour)
        for frame in video.frames():
            frame.write_into(picture)
            yield picture


def _golden(clip: str) -> Any:
    return np.load(SHARED / "golden" / f"{Path(clip).stem}.npz")


def main() -> None:
    """Measure, print, and write the table."""
    models = LocalSettings().models.expanduser()
    prepare(models, print)
    figures = measure(models)
    print(json.dumps(figures, indent=1))
    if "skipped" not in figures:
        TABLE.write_text(table(figures))
        print(f"Written to {TABLE}")


if __name__ == "__main__":
    main()
