"""A model in another precision beside itself: made from a user's clips, timed and compared, and kept if it is good."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from services.detect.agreement import of_detector, of_landmarks
from services.detect.engine import Engine, why_not
from services.detect.finding import FaceFinder
from services.detect.models import store
from services.detect.models.quantizing import to_fp16, to_int8
from services.detect.models.registry import BLAZEFACE, ModelEntry, stem
from services.detect.opening import open_models
from services.detect.providers import COMPILED, provision
from shared.model.errors import Rejected
from shared.model.faces import Layout
from shared.model.offers import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from services.detect.agreement import Accuracy
    from shared.model.pictures import Picture

    Inputs = dict[str, NDArray[Any]]
    Clip = Iterable[Picture]

INT8, FP16 = "int8", "fp16"
DETECT_EVERY = 8
CALIBRATED_ON, COMPARED_ON = 64, 100
"""Inputs, at most; the same input is never in both."""
MOST_KEPT = 2 * COMPARED_ON
"""Inputs that are kept of however many a clip has: those of a large detector are a megabyte each."""
TIMED_ON, ROUNDS, IN_A_ROW = 5, 11, 3
"""Inputs, how often the models take turns on them, and runs on each in a turn."""
FEWEST = 8
"""Inputs that are the least to say anything."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What was found."""

    entry: ModelEntry
    """The line of the registry that the new model would have."""
    content: bytes
    """Its file."""
    milliseconds: dict[str, float]
    """Of a run by precision, `fp32` and the new one."""
    accuracy: Accuracy
    compared_on: int
    """Inputs from the clips."""

    @property
    def slower(self) -> float:
        """Time over that of FP32; below 1 it is faster."""
        return self.milliseconds[self.entry.precision] / self.milliseconds["fp32"]

    def objections(self, max_slower: float, max_off: float) -> list[str]:
        """Why it should not be used, a sentence each; none if it is good."""
        objections = []
        if self.slower > max_slower:
            objections.append(f"It takes {self.slower:.2f} times as long as FP32; at most {max_slower:g} is allowed.")
        if self.accuracy.off > max_off:
            objections.append(f"It is off by {self.accuracy.off:.2%}; at most {max_off:.2%} is allowed.")
        return objections


def try_precision(folder: Path, name: str, precision: str, clips: Iterable[Clip], provider: str = "cpu") -> Trial:
    """Make the model `name` of `folder` anew in `precision` and compare the two on what the clips show.

    clips: frames of each in order. provider: a word of VISAVIS_PROVIDERS; what both are timed and compared with, on one
    thread.
    Raises Rejected: `unknown-model`, or `unsupported-media` if too few faces are seen to say anything; Misconfigured if
    the provider cannot be had.
    """
    providers = provision(provider, why_not, threads=1, cache=folder / COMPILED).entries
    entry = store.read(folder).entry(name)
    if entry.precision != "fp32":
        raise Rejected("unknown-model", f"{name} is {entry.precision} already; name the FP32 model that it came from.")
    if entry.role is Role.SEGMENTER:
        raise Rejected("unknown-model", f"{name} gives no faces to compare by: its precision stays as it is.")
    if not entry.file.endswith(".onnx"):
        raise Rejected("unknown-model", f"{name} is not run by ONNX Runtime: its precision stays as it is.")
    inputs = _shown(folder, entry, clips)
    if len(inputs) < FEWEST:
        raise Rejected("unsupported-media", f"{name} had {len(inputs)} inputs from the clips; {FEWEST} are the fewest.")
    content = (folder / entry.file).read_bytes()
    typical, compared = _halves(inputs)
    made = to_fp16(content) if precision == FP16 else to_int8(content, typical)
    new = _entry(entry, precision, made)
    with TemporaryDirectory(prefix="visavis-trial-") as scratch:
        (Path(scratch) / new.file).write_bytes(made)
        engines = {
            "fp32": Engine(folder / entry.file, entry.sha256, 1, providers),
            precision: Engine(Path(scratch) / new.file, new.sha256, 1, providers),
        }
        milliseconds = _timed(engines, compared[:TIMED_ON])
        pairs = [(engines["fp32"].run(**one), engines[precision].run(**one)) for one in compared]
    accuracy = of_detector(pairs) if entry.role is Role.DETECTOR else of_landmarks(pairs, Layout(entry.points))
    return Trial(new, made, milliseconds, accuracy, len(compared))


def install(folder: Path, trial: Trial) -> None:
    """Add the new model to `folder`, beside the one that it was made from."""
    store.install(folder, trial.entry, {trial.entry.file: trial.content})


def _entry(entry: ModelEntry, precision: str, content: bytes) -> ModelEntry:
    name = f"{entry.name}-{precision}"
    return msgspec.structs.replace(
        entry,
        name=name,
        part_of="",
        precision=precision,
        source=f"{entry.name} of {entry.source}",
        published_file="",
        published_sha256="",
        file=f"{stem(name)}.onnx",
        sha256=store.sha256_of(content),
    )


def _shown(folder: Path, entry: ModelEntry, clips: Iterable[Clip]) -> list[Inputs]:
    """What the model is run on when the clips are searched for faces."""
    seen: list[Inputs] = []
    models = open_models(folder, engine=_recorder(entry.file, seen))
    if entry.role is Role.DETECTOR:
        detector = models.detector(entry.offered_as)
        for clip in clips:
            for picture in clip:
                detector.detect(picture)  # as thoroughly as it can: on every size
        return seen
    finder = FaceFinder(models.detector(BLAZEFACE), models.landmarker(entry.offered_as))
    for clip in clips:
        faces = None
        for number, picture in enumerate(clip):
            faces = finder.find(picture, faces, detect=number % DETECT_EVERY == 0)
    return [{"image": crops["image"][n : n + 1]} for crops in seen for n in range(len(crops["image"]))]


def _recorder(file: str, seen: list[Inputs]) -> type[Engine]:
    """An engine that keeps what the model in `file` is run on: MOST_KEPT of its runs, each as likely as any other."""
    runs, chance = itertools.count(), np.random.default_rng(0)

    class Recorder(Engine):
        def run(self, **inputs: Any) -> dict[str, NDArray[Any]]:
            if self.name == Path(file).stem:
                place = int(chance.integers(next(runs) + 1))
                if len(seen) < MOST_KEPT:
                    seen.append(inputs)
                elif place < MOST_KEPT:
                    seen[place] = inputs
            return super().run(**inputs)

    return Recorder


def _halves(inputs: Sequence[Inputs]) -> tuple[list[Inputs], list[Inputs]]:
    """To calibrate on and to compare on, in an order that has nothing to do with sizes and scenes."""
    mixed = [inputs[number] for number in np.random.default_rng(0).permutation(len(inputs))]
    half = len(mixed) // 2
    return mixed[:half][:CALIBRATED_ON], mixed[half:][:COMPARED_ON]


def _timed(engines: dict[str, Engine], inputs: Sequence[Inputs]) -> dict[str, float]:
    """Milliseconds of a run, the mean over inputs of the median over turns of the best run in a turn.

    The engines take turns, so that a busy machine is busy for both; inputs may differ in size.
    """
    rounds: dict[str, list[list[float]]] = {precision: [] for precision in engines}
    for turn in range(ROUNDS + 1):
        for precision, engine in engines.items():
            times = [_milliseconds(engine, one) for one in inputs]
            if turn:  # the first round warms memory and caches
                rounds[precision].append(times)
    return {precision: float(np.median(found, axis=0).mean()) for precision, found in rounds.items()}


def _milliseconds(engine: Engine, inputs: Inputs) -> float:
    times = []
    for _ in range(IN_A_ROW):
        started = time.perf_counter()
        engine.run(**inputs)
        times.append(time.perf_counter() - started)
    return min(times) * 1000
