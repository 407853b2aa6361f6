"""Opens every model of the registry, by the names that requests use."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar

from services.detect.blazeface import BlazeFace
from services.detect.cropping import rule_of
from services.detect.cuda.heads import CardHead
from services.detect.detector import GraphDetector
from services.detect.dlib68 import DlibLandmarker
from services.detect.engine import CPU, Engine
from services.detect.landmarker import GraphLandmarker
from services.detect.models.registry import FULL_RANGE, SELFIE_NAME, SHORT_RANGE, Family
from services.detect.models.store import read
from services.detect.segmenter import GraphSegmenter
from shared.model.errors import Misconfigured, Rejected
from shared.model.offers import ModelOffer, Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from services.detect.contracts import Detector, Landmarker
    from services.detect.engine import Provider, Ran
    from services.detect.models.registry import ModelEntry
    from shared.cuda.device import Device

    EngineOf = Callable[..., Engine]
    """From an entry of the registry, and what is made of its file's content (`form`), to the opened model."""

T = TypeVar("T")
PLANNED_TOGETHER = 8
"""Threads that choose kernels for shapes on a card: a core each, for some seconds."""
_RANGES = (FULL_RANGE, SHORT_RANGE)
NONE: Mapping[str, GraphSegmenter] = MappingProxyType({})


class Models:
    """Every model that a deployment has, opened."""

    def __init__(
        self,
        detectors: Mapping[str, Detector],
        landmarkers: Mapping[str, Landmarker],
        segmenters: Mapping[str, GraphSegmenter] = NONE,
        engines: Sequence[Engine] = (),
    ) -> None:
        """By the names that requests use; those of segmenters only list them. engines: what runs them."""
        self._detectors = dict(detectors)
        self._landmarkers = dict(landmarkers)
        self._segmenters = dict(segmenters)
        self._engines = engines

    def detector(self, name: str) -> Detector:
        """Raises Rejected (`unknown-model`) with the names there are."""
        return _named(self._detectors, name, "detector")

    def landmarker(self, name: str) -> Landmarker:
        """Raises Rejected (`unknown-model`) with the names there are."""
        return _named(self._landmarkers, name, "landmark model")

    def segmenter(self, name: str) -> GraphSegmenter:
        """Raises Rejected (`unknown-model`) with the names there are."""
        return _named(self._segmenters, name, "segmenter")

    def warm_up(self, counts: Sequence[int] = (), say: Callable[[str], object] | None = None) -> None:
        """Run each model on every shape that will come.

        counts: of crops that landmark models are run on at once, where only these come. say: is told before each step,
        in words like `face-mesh, batch 16 (3 of 12)`.
        Raises Misconfigured, with what to do, if one cannot be run.
        """
        steps: list[tuple[str, str, Callable[[], None]]] = [
            *((name, name, model.warm_up) for name, model in self._detectors.items()),
            *(
                (name, f"{name}, batch {count}", partial(model.warm_up, (count,)))
                for name, model in self._landmarkers.items()
                for count in counts or (1,)
            ),
            *((name, name, model.warm_up) for name, model in self._segmenters.items()),
        ]
        for engine in self._engines:
            engine.hold_later()
        for number, (name, words, step) in enumerate(steps, 1):
            if say is not None:
                say(f"{words} ({number} of {len(steps)})")
            try:
                step()
            except Misconfigured as error:
                remedy = f"If {name} is one of yours, `visavis models remove {name}` takes it out."
                raise Misconfigured(f"{error} {remedy}") from error
        plans = [plan for engine in self._engines for plan in engine.plans()]
        with ThreadPoolExecutor(PLANNED_TOGETHER) as threads:
            list(threads.map(lambda plan: plan(), plans))
        for engine in self._engines:
            engine.hold_all()

    def tell(self, ran: Ran) -> None:
        """From now on tell of every run of a model."""
        for engine in self._engines:
            engine.ran = ran

    def offers(self, default_detector: str, default_landmarks: str) -> tuple[ModelOffer, ...]:
        """What there is, detectors first, by name; a request chooses from the detectors and the landmark models."""
        detectors = ((n, Role.DETECTOR, d.keypoints, n == default_detector) for n, d in self._detectors.items())
        landmarks = ((n, Role.LANDMARKS, d.points, n == default_landmarks) for n, d in self._landmarkers.items())
        segmenters = ((n, Role.SEGMENTER, 0, n == SELFIE_NAME) for n in self._segmenters)
        return tuple(ModelOffer(*offer) for offer in (*sorted(detectors), *sorted(landmarks), *sorted(segmenters)))


def open_models(
    folder: Path,
    *,
    threads: int = 1,
    providers: Sequence[Provider] = CPU,
    devices: Sequence[Device] = (),
    engine: type[Engine] = Engine,
) -> Models:
    """Open every model that the registry of `folder` names.

    threads, providers, devices: as Engine takes them. Nothing is run yet: see `Models.warm_up`.
    Raises Misconfigured, with what to do, if the folder is not prepared or a model is not the one that was.
    """

    engines: list[Engine] = []
    opened = _opener(folder, partial(engine, threads=threads, providers=providers, devices=devices), engines)
    on_card = bool(devices)
    offered: dict[tuple[Role, str], dict[str, ModelEntry]] = {}
    for entry in read(folder).models:
        offered.setdefault((entry.role, entry.offered_as), {})[entry.name] = entry
    detectors = {n: _detector(parts, opened, on_card) for (role, n), parts in offered.items() if role is Role.DETECTOR}
    landmarkers = {
        name: _landmarker(_only(parts), folder, opened)
        for (role, name), parts in offered.items()
        if role is Role.LANDMARKS
    }
    segmenters = {
        name: _segmenter(_only(parts), opened) for (role, name), parts in offered.items() if role is Role.SEGMENTER
    }
    return Models(detectors, landmarkers, segmenters, engines)


def open_model(entry: ModelEntry, folder: Path, *, threads: int = 1) -> Detector | Landmarker:
    """Open a detector or a landmark model, on the CPU, whose file lies in `folder`.

    Raises Misconfigured as `open_models` does.
    """
    opened = _opener(folder, partial(Engine, threads=threads), [])
    if entry.role is Role.DETECTOR:
        return _graph_detector(entry, opened(entry))
    return _landmarker(entry, folder, opened)


def _opener(folder: Path, engine: Callable[..., Engine], engines: list[Engine]) -> EngineOf:
    """engines: each that is opened is added."""

    def opened(entry: ModelEntry, **more: Any) -> Engine:
        engines.append(engine(folder / entry.file, entry.sha256, **more))
        return engines[-1]

    return opened


def _detector(parts: Mapping[str, ModelEntry], opened: EngineOf, on_card: bool) -> Detector:
    ranges = [parts[model.name] for model in _RANGES if model.name in parts]
    if len(ranges) == 2:
        # What lies on a card is seen by the heads: the whole graphs are for the host.
        host: dict[str, Any] = {"devices": (), "providers": CPU} if on_card else {}
        full, short = (_graph_detector(one, opened(one, **host), _head(one, opened, on_card)) for one in ranges)
        return BlazeFace(full, short)
    entry = _only(parts)
    return _graph_detector(entry, opened(entry))


def _head(entry: ModelEntry, opened: EngineOf, on_card: bool) -> CardHead | None:
    if not on_card:
        return None
    from services.detect.models.headless import headless  # noqa: PLC0415  -- it takes ONNX: only where there is a card

    [anchors] = [model.anchors for model in _RANGES if model.name == entry.name]
    return CardHead(opened(entry, form=headless), anchors)


def _graph_detector(entry: ModelEntry, engine: Engine, head: CardHead | None = None) -> GraphDetector:
    size_px, *more_px = entry.sizes_px
    return GraphDetector(
        engine, size_px=size_px, multiple_px=entry.multiple_px, keypoints=entry.points, more_px=more_px, head=head
    )


def _landmarker(entry: ModelEntry, folder: Path, opened: EngineOf) -> Landmarker:
    if entry.family is Family.DLIB68:
        return DlibLandmarker(folder / entry.file, entry.sha256, entry.sizes_px[0])
    rule = rule_of(entry.family, entry.points)
    return GraphLandmarker(opened(entry), size_px=entry.sizes_px[0], points=entry.points, rule=rule)


def _segmenter(entry: ModelEntry, opened: EngineOf) -> GraphSegmenter:
    return GraphSegmenter(opened(entry), size_px=entry.sizes_px[0])


def _only(parts: Mapping[str, ModelEntry]) -> ModelEntry:
    if len(parts) > 1:
        raise Misconfigured(f"The models {', '.join(parts)} cannot be used as one.")
    return next(iter(parts.values()))


def _named(models: Mapping[str, T], name: str, what: str) -> T:
    if name not in models:
        raise Rejected("unknown-model", f"There is no {what} {name[:64]!r}; there are: {', '.join(sorted(models))}.")
    return models[name]
