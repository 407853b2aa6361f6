"""Many searches at once: whatever regions they ask about are looked at together, by as many hands as are free."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from services.detect.cuda.pictures import CardPixels, CardView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from services.detect.contracts import Crops, Detection, Detector, Floats, Landmarker, Shown, Spot
    from services.detect.regions import Region

    Located = tuple[Floats, Floats]
    """What a landmark model says of some spots: landmarks [n, points, 3] and presence [n]."""

T = TypeVar("T")
Search = Generator["Question | Glance", Any, T]
"""A computation that yields questions, is sent the answers and comes to a result."""


@dataclass(frozen=True, slots=True)
class Question:
    """Where are the landmarks of the faces in these regions, 1 or more, of a picture? The answer is `Located`."""

    landmarker: Landmarker
    picture: Shown
    regions: Sequence[Region]


@dataclass(frozen=True, slots=True)
class Glance:
    """Which faces does the detector see in a picture, at this turn? The answer is a list of `Detection`."""

    detector: Detector
    picture: Shown
    turn: int


@dataclass(frozen=True, slots=True)
class Batches:
    """How crops are put together for one run of a model."""

    most: int = 4
    """Crops in one run. On a CPU more are slower again, a crop: 1.06, 1.03, 1.06, 1.09 ms in runs of 1, 2, 4 and 8
    (Face Mesh, one thread)."""
    buckets: tuple[int, ...] = ()
    """Sizes that a run is filled up to, ascending, the last at least `most`; empty: any size is as good as another."""
    divisible: bool = True
    """Whether two threads with half of the crops each are quicker than one with all of them."""

    def locate(self, landmarker: Landmarker, spots: Sequence[Spot]) -> Located:
        """Landmarks and presence for any number of spots, 1 or more, on one card or all on the host."""
        crops = landmarker.crops(spots)
        return _joined([self._run(landmarker, crops[at : at + self.most]) for at in range(0, len(crops), self.most)])

    def _run(self, landmarker: Landmarker, crops: Crops) -> Located:
        full = next((size for size in self.buckets if size >= len(crops)), len(crops))
        if full == len(crops):
            return landmarker.locate(crops)
        landmarks, presence = landmarker.locate(_filled(crops, full))
        return landmarks[: len(crops)], presence[: len(crops)]


class Hands:
    """So many threads may compute at a time. Who computes may be helped by those that are free just then."""

    def __init__(self, count: int = 1) -> None:
        """count: 1 or more."""
        self._free = threading.Semaphore(count)
        self._helping = ThreadPoolExecutor(count - 1, "helping") if count > 1 else None

    def __enter__(self) -> None:
        """Be one of those who compute; wait until one of them may."""
        self._free.acquire()

    def __exit__(self, *_: object) -> None:
        self._free.release()

    def share(self, do: Callable[[Sequence[Spot]], Located], spots: Sequence[Spot]) -> Located:
        """Do it for all spots, in equal parts by this thread and those that are free. Call it as one who computes."""
        parts = 1
        while self._helping is not None and parts < len(spots) and self._free.acquire(blocking=False):
            parts += 1
        cuts = [len(spots) * part // parts for part in range(parts + 1)]
        own, *others = (spots[start:end] for start, end in pairwise(cuts))
        helped = [self._helping.submit(self._help, do, part) for part in others] if self._helping is not None else []
        try:
            located = do(own)
        finally:
            wait(helped)  # whatever came of the own part: the pictures are theirs until they are done
        return _joined([located, *(one.result() for one in helped)])

    def close(self) -> None:
        """End the threads."""
        if self._helping is not None:
            self._helping.shutdown()

    def _help(self, do: Callable[[Sequence[Spot]], Located], part: Sequence[Spot]) -> Located:
        try:
            return do(part)
        finally:
            self._free.release()


class _Run(Generic[T]):
    """One search on its way."""

    def __init__(self, search: Search[T]) -> None:
        self._search = search
        self.question: Question | Glance | None = None
        self.outcome: T | Exception | None = None
        self._go_on(partial(next, search))

    def answer(self, answer: Located | list[Detection]) -> None:
        """Go on to the next question, or to the end."""
        self._go_on(partial(self._search.send, answer))

    def fail(self, error: Exception) -> None:
        """There is no answer."""
        self._go_on(partial(self._search.throw, error))

    def _go_on(self, step: Callable[[], Question | Glance]) -> None:
        self.question = None
        try:
            self.question = step()
        except StopIteration as end:
            self.outcome = end.value
        except Exception as error:  # noqa: BLE001  -- it is the outcome, and costs the other searches nothing
            self.outcome = error


def together(searches: Iterable[Search[T]], batches: Batches, hands: Hands) -> list[T | Exception]:
    """What each search comes to, or the error that ended it."""
    with hands:
        runs = [_Run(search) for search in searches]
        while asking := [run for run in runs if run.question is not None]:
            for group in _alike(asking):
                _answer(group, batches, hands)
    return [run.outcome for run in runs]  # type: ignore[misc]  # without a question there is an outcome


def _alike(runs: Sequence[_Run[T]]) -> Iterator[list[_Run[T]]]:
    """Those whose questions are answered together: about the same model, and of pictures in the same place."""
    groups: dict[tuple[object, ...], list[_Run[T]]] = {}
    for run in runs:
        question = run.question
        if question is None:
            continue
        on_card = isinstance(question.picture, CardView)
        if isinstance(question, Question):
            groups.setdefault((id(question.landmarker), on_card), []).append(run)
        else:  # on the host the detectors look at one picture after the other
            groups.setdefault((id(question.detector), on_card or id(run)), []).append(run)
    yield from groups.values()


def _answer(runs: Sequence[_Run[T]], batches: Batches, hands: Hands) -> None:
    try:
        answers = _located([run.question for run in runs if isinstance(run.question, Question)], batches, hands)
        answers += _seen([run.question for run in runs if isinstance(run.question, Glance)])
    except Exception as error:  # noqa: BLE001  -- each of those who asked ends with it
        for run in runs:
            run.fail(error)
        return
    for run, answer in zip(runs, answers, strict=True):
        run.answer(answer)


def _seen(glances: Sequence[Glance]) -> list[list[Detection]]:
    """What the one detector sees in the picture of each."""
    if not glances:
        return []
    [first, *others] = glances
    if not others:
        return [first.detector.detect(first.picture, first.turn)]
    return first.detector.detect_all([one.picture for one in glances], [one.turn for one in glances])


def _located(questions: Sequence[Question], batches: Batches, hands: Hands) -> list[Any]:
    """What the one landmark model says of the regions of each."""
    if not questions:
        return []
    locate = partial(batches.locate, questions[0].landmarker)
    spots = [(question.picture, region) for question in questions for region in question.regions]
    # A card's device is in the hands of one thread.
    may_share = batches.divisible and not isinstance(questions[0].picture, CardView)
    landmarks, presence = hands.share(locate, spots) if may_share else locate(spots)
    ends = np.cumsum([len(question.regions) for question in questions])
    return [
        (landmarks[end - len(question.regions) : end], presence[end - len(question.regions) : end])
        for question, end in zip(questions, ends, strict=True)
    ]


def _filled(crops: Crops, count: int) -> Crops:
    """With any others behind them, `count` together."""
    if isinstance(crops, CardPixels):
        return crops.filled(count)
    return np.concatenate([crops, np.repeat(crops[:1], count - len(crops), axis=0)])


def _joined(parts: Sequence[Located]) -> Located:
    if len(parts) == 1:
        return parts[0]
    return np.concatenate([landmarks for landmarks, _ in parts]), np.concatenate([presence for _, presence in parts])
