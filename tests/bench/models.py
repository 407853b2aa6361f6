"""Milliseconds of each face model alone, on one thread, by provider; and what lower precision would bring."""

from __future__ import annotations

import json
import shutil
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import cv2
import msgspec
import numpy as np

from services.detect.engine import Engine
from services.detect.models import store
from services.detect.models.adding import Wish, add
from services.detect.models.registry import FULL_RANGE
from services.detect.opening import open_models
from services.detect.trial import INT8, try_precision
from shared.model.errors import Unavailable
from shared.model.offers import Role
from tests.bench.environments import conversation, environment
from visavis.clips import frames
from visavis.sample import write_sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from services.detect.models.registry import ModelEntry
    from services.detect.opening import Models
    from shared.model.pictures import Picture

    Ask = Callable[[str], dict[str, Any]]

SHARED = Path(__file__).parents[3] / "shared"
CLIP = SHARED / "media" / "signer_720p.mp4"
CALIBRATED_ON = ("signer_plain.mkv", "two_heads.mp4")
OTHERS = {
    "scrfd_500m_kps.onnx": "scrfd",
    "scrfd_2.5g_kps.onnx": "scrfd",
    "yunet_n_dynamic.onnx": "yunet",
    "pfld_68.onnx": "pfld",
}
OPENVINO = ("onnxruntime-openvino", "numpy", "msgspec")
HERE = ("cpu", "cuda", "tensorrt")
THERE = ("openvino", "openvino-bf16")
ROUNDS = 9
TRIED_ON = 40
"""Frames of each clip."""
LOOP = Path(__file__).with_name("engine_loop.py")


def measure(models: Path, folder: Path) -> dict[str, Any]:
    """Figures by model. models: the prepared folder; folder: for what is written on the way.

    `milliseconds` by provider: the model alone. `with_picture`: on the CPU provider, with the picture or the crop made
    for it out of a 720p frame, and a mask packed as it travels. `passed_over`: why a provider is not in the table.
    """
    cv2.setNumThreads(1)
    every = _with_others(models, folder / "models")
    own = _each_by_its_name(every, folder / "alone")
    picture = _picture(folder)
    shown: dict[str, list[dict[str, NDArray[Any]]]] = {}
    opened = open_models(own, engine=_recorder(shown))
    whole = {entry.name: _whole(opened, entry, picture) for entry in store.read(own).models}
    asked = {entry.name: _question(own, entry, shown[Path(entry.file).stem]) for entry in store.read(own).models}
    found: dict[str, dict[str, list[float]]] = {name: {} for name in asked}
    with ExitStack() as stack:
        asks, passed_over = _providers(stack, next(iter(asked.values())))
        for _ in range(ROUNDS):
            for name, question in asked.items():
                for provider, ask in asks.items():
                    answer = ask(json.dumps(question | {"provider": provider}))
                    found[name].setdefault(provider, []).append(answer.get("milliseconds", float("nan")))
    rows = {
        name: {
            "milliseconds": {provider: median(times) for provider, times in found[name].items()},
            "with_picture": whole[name],
            "runs": len(asked[name]["inputs"]),
        }
        for name in asked
    }
    return {"models": rows, "passed_over": passed_over, "precision": precision(every)}


def table(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    providers = list(dict.fromkeys(word for row in figures["models"].values() for word in row["milliseconds"]))
    lines = [f"| model | {' | '.join(providers)} | with its picture, cpu |", "|---|" + "---|" * (len(providers) + 1)]
    for name, row in figures["models"].items():
        times = [f"{row['milliseconds'][word]:.2f}" for word in providers]
        several = f" ({row['runs']} sizes)" if row["runs"] > 1 else ""
        lines.append(f"| {name}{several} | {' | '.join(times)} | {row['with_picture']:.2f} |")
    lines += ["", "| model | fp32, ms | int8, ms | off | |", "|---|---|---|---|---|"]
    for name, row in figures["precision"].items():
        times = [f"{row['milliseconds'][word]:.2f}" for word in ("fp32", INT8)]
        details = "; ".join(f"{what}: {figure}" for what, figure in row["details"].items())
        lines.append(f"| {name} | {' | '.join(times)} | {row['off']:.2%} | {details} |")
    return "\n".join(lines)


def precision(models: Path) -> dict[str, Any]:
    """INT8 beside FP32 of each model, calibrated on one half of two clips' frames and compared on the other."""
    clips = [SHARED / "media" / name for name in CALIBRATED_ON]
    if not all(clip.exists() for clip in clips):
        return {}
    trials = {
        entry.name: try_precision(models, entry.name, INT8, [frames(clip, TRIED_ON) for clip in clips])
        for entry in store.read(models).models
        if entry.precision == "fp32" and entry.file.endswith(".onnx") and entry.role is not Role.SEGMENTER
    }
    return {
        name: {"milliseconds": one.milliseconds, "off": one.accuracy.off, "details": one.accuracy.details}
        for name, one in trials.items()
    }


def _with_others(models: Path, folder: Path) -> Path:
    """The models of the folder, and those that lie beside the repository."""
    shutil.copytree(models, folder)
    known = {entry.name for entry in store.read(folder).models}
    for name, family in OTHERS.items():
        file = SHARED / "models" / name
        wish = Wish(family, file.stem.replace("_", "-").replace(".", "-"), "for tests only")
        if file.exists() and wish.name not in known:
            add(folder, file, wish)
    return folder


def _each_by_its_name(models: Path, folder: Path) -> Path:
    """The same models, none of which is a part of another."""
    shutil.copytree(models, folder)
    registry = store.read(folder)
    alone = tuple(msgspec.structs.replace(entry, part_of="") for entry in registry.models)
    store.write(folder, msgspec.structs.replace(registry, models=alone), {})
    return folder


def _picture(folder: Path) -> Picture:
    """A frame with one face, 1280x720."""
    clip = CLIP
    if not clip.exists():
        clip = folder / "sample.mp4"
        write_sample(clip)
    return next(iter(frames(clip, 1)))


def _recorder(shown: dict[str, list[dict[str, NDArray[Any]]]]) -> type[Engine]:
    """An engine that keeps what each model is run on in its first search, by the stem of its file."""

    class Recorder(Engine):
        def run(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
            shapes = [{name: array.shape for name, array in one.items()} for one in shown.setdefault(self.name, [])]
            if {name: array.shape for name, array in inputs.items()} not in shapes:
                shown[self.name].append(inputs)
            return super().run(**inputs)

    return Recorder


def _whole(opened: Models, entry: ModelEntry, picture: Picture) -> float:
    """Milliseconds of one search, of one crop and its landmarks, or of one mask, packed: the best of many."""
    if entry.role is Role.SEGMENTER:
        segmenter = opened.segmenter(entry.name)
        return _best(lambda: segmenter.segment(picture))
    if entry.role is Role.DETECTOR:
        detector = opened.detector(entry.name)
        return _best(lambda: detector.detect(picture))
    landmarker = opened.landmarker(entry.name)
    [seen, *_] = opened.detector(FULL_RANGE.name).detect(picture)
    region = landmarker.region_of_detection(seen)
    return _best(lambda: landmarker.locate(landmarker.crops([(picture, region)])))


def _best(work: Callable[[], object], times: int = 40) -> float:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found) * 1000


def _question(folder: Path, entry: ModelEntry, shown: list[dict[str, NDArray[Any]]]) -> dict[str, Any]:
    """What the loop is asked: the model's file, and files of what it is run on."""
    paths = [folder / f"{entry.name}_{number}.npz" for number in range(len(shown))]
    for path, inputs in zip(paths, shown, strict=True):
        np.savez(path, **inputs)  # type: ignore[arg-type]  # NumPy's stub takes the names for its own options
    return {"file": str(folder / entry.file), "sha256": entry.sha256, "inputs": [str(path) for path in paths]}


def _providers(stack: ExitStack, question: dict[str, Any]) -> tuple[dict[str, Ask], list[str]]:
    """Whom to ask about each provider that is to be had, and why the others are not."""
    asks: dict[str, Ask] = {}
    passed_over = []
    interpreters: list[tuple[Path, tuple[str, ...]]] = [(Path(sys.executable), HERE)]
    try:
        interpreters.append((environment("openvino", OPENVINO), THERE))
    except Unavailable as reason:
        passed_over.append(str(reason))
    for python, words in interpreters:
        ask = stack.enter_context(conversation(python, LOOP))
        for word in words:
            refused = ask(json.dumps(question | {"provider": word})).get("refused")
            if refused:
                passed_over.append(refused)
            else:
                asks[word] = ask
    return asks, passed_over
