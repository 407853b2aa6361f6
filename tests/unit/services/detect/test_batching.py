"""Many searches at once."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.batching import Batches, Glance, Hands, Question, Search, together
from services.detect.cuda.pictures import CardView
from services.detect.regions import Region
from shared.cuda.pictures import CardPicture
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat
from tests.cuda.emulated import EmulatedCard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from services.detect.contracts import Crops, Floats


class Landmarker:
    """Answers with the first sample of each crop; remembers how many it was asked about at a time."""

    points = 1

    def __init__(self) -> None:
        self.batches: list[int] = []

    def crops(self, spots: Sequence[tuple[Any, Region]]) -> Crops:
        return np.stack([np.full((2, 2, 3), region.side_px, np.uint8) for _, region in spots])

    def locate(self, crops: Crops) -> tuple[Floats, Floats]:
        self.batches.append(len(crops))
        if (crops == 99).any():
            raise ValueError("broken")
        first = crops[:, 0, 0, :1].astype(np.float32)
        return first[:, None], first[:, 0]


PICTURE = Picture.over(Geometry(PixelFormat.RGB24, 1, 1), Colour(), bytes(3))


def regions(*samples: int) -> list[Region]:
    return [Region((0, 0), sample, 0) for sample in samples]


def asking(model: Any, *questions: list[Region]) -> Search[list[list[float]]]:
    found = []
    for question in questions:
        _, presence = yield Question(model, PICTURE, question)
        found.append(presence.tolist())
    return found


@pytest.fixture
def model() -> Any:
    return Landmarker()


def test_every_search_gets_its_own_answers(model: Any) -> None:
    searches = [asking(model, regions(1, 2), regions(3)), asking(model), asking(model, regions(4))]
    assert together(searches, Batches(), Hands()) == [[[1, 2], [3]], [], [[4]]]


def test_what_is_asked_at_the_same_time_is_located_in_one_run(model: Any) -> None:
    together([asking(model, regions(1), regions(2)), asking(model, regions(3, 4))], Batches(), Hands())
    assert model.batches == [3, 1]


def test_each_model_is_asked_for_itself(model: Any) -> None:
    other: Any = Landmarker()
    assert together([asking(model, regions(1)), asking(other, regions(2))], Batches(), Hands()) == [[[1]], [[2]]]
    assert model.batches == other.batches == [1]


def test_a_large_batch_is_run_in_parts(model: Any) -> None:
    assert together([asking(model, regions(1, 2, 3, 4, 5))], Batches(most=2), Hands()) == [[[1, 2, 3, 4, 5]]]
    assert model.batches == [2, 2, 1]


def test_a_batch_is_filled_up_to_its_bucket_and_the_answers_cut(model: Any) -> None:
    batches = Batches(most=4, buckets=(1, 4))
    assert together([asking(model, regions(1), regions(2, 3))], batches, Hands()) == [[[1], [2, 3]]]
    assert model.batches == [1, 4]


def test_an_error_ends_its_own_search_only(model: Any) -> None:
    def failing() -> Search[list[list[float]]]:
        yield Question(model, PICTURE, regions(1))
        raise KeyError("lost")

    failed, fine = together([failing(), asking(model, regions(1), regions(2))], Batches(), Hands())
    assert isinstance(failed, KeyError)
    assert fine == [[1], [2]]


def test_a_model_that_breaks_ends_those_who_asked_it(model: Any) -> None:
    other: Any = Landmarker()
    closed = []

    def careful() -> Search[list[list[float]]]:
        try:
            yield Question(model, PICTURE, regions(99))
        finally:
            closed.append(True)
        return []

    broken, fine = together([careful(), asking(other, regions(5))], Batches(), Hands())
    assert isinstance(broken, ValueError)
    assert (fine, closed) == ([[5]], [True])


class Detector:
    """Sees as many faces as the turn says; remembers which turns it was asked at a time."""

    keypoints = 6

    def __init__(self) -> None:
        self.asked: list[tuple[int, ...]] = []

    def detect(self, picture: Any, turn: int = 0) -> list[Any]:
        return self.detect_all([picture], [turn])[0]

    def detect_all(self, pictures: Sequence[Any], turns: Sequence[int]) -> list[list[Any]]:
        self.asked.append(tuple(turns))
        if 99 in turns:
            raise ValueError("broken")
        return [[picture] * turn for picture, turn in zip(pictures, turns, strict=True)]


def glancing(detector: Any, picture: Any, turn: int) -> Search[list[Any]]:
    return (yield Glance(detector, picture, turn))


@pytest.fixture
def on_card() -> CardView:
    device = EmulatedCard()
    return CardView(CardPicture.blank(device, Geometry(PixelFormat.NV12, 4, 2), Colour()), device)


def test_pictures_on_a_card_are_searched_for_faces_at_once(on_card: CardView) -> None:
    detector = Detector()
    found = together([glancing(detector, on_card, turn) for turn in (2, 0, 1)], Batches(), Hands())
    assert found == [[on_card, on_card], [], [on_card]]
    assert detector.asked == [(2, 0, 1)]


def test_pictures_on_the_host_are_searched_one_by_one_and_none_suffers_for_another(on_card: CardView) -> None:
    detector = Detector()
    searches = [glancing(detector, picture, turn) for picture, turn in ((PICTURE, 1), (on_card, 3), (PICTURE, 99))]
    one, two, broken = together(searches, Batches(), Hands())
    assert (one, two) == ([PICTURE], [on_card] * 3)
    assert isinstance(broken, ValueError)
    assert sorted(detector.asked) == [(1,), (3,), (99,)]


def test_spots_on_a_card_and_on_the_host_are_located_apart(model: Any, on_card: CardView) -> None:
    def there() -> Search[list[float]]:
        _, presence = yield Question(model, on_card, regions(4, 5))
        return presence.tolist()

    assert together([asking(model, regions(1)), there(), there()], Batches(), Hands()) == [[[1]], [4, 5], [4, 5]]
    assert model.batches == [1, 4]


@pytest.fixture
def hands() -> Iterator[Hands]:
    made = Hands(2)
    yield made
    made.close()


def test_hands_that_are_free_take_their_part(model: Any, hands: Hands) -> None:
    both = threading.Barrier(2, timeout=10)
    located = model.locate

    def side_by_side(crops: Crops) -> tuple[Floats, Floats]:
        both.wait()
        return located(crops)

    model.locate = side_by_side
    assert together([asking(model, regions(1, 2, 3))], Batches(), hands) == [[[1, 2, 3]]]
    assert sorted(model.batches) == [1, 2]


def test_hands_that_are_busy_are_not_waited_for(model: Any, hands: Hands) -> None:
    with hands:
        assert together([asking(model, regions(1, 2, 3))], Batches(), hands) == [[[1, 2, 3]]]
    assert model.batches == [3]


def test_a_batch_that_gains_nothing_by_it_is_not_divided(model: Any, hands: Hands) -> None:
    together([asking(model, regions(1, 2, 3))], Batches(divisible=False), hands)
    assert model.batches == [3]


def test_what_lies_on_a_card_stays_with_the_thread_that_has_its_device(
    model: Any, hands: Hands, on_card: CardView
) -> None:
    def there() -> Search[list[float]]:
        _, presence = yield Question(model, on_card, regions(1, 2, 3))
        return presence.tolist()

    assert together([there()], Batches(), hands) == [[1, 2, 3]]
    assert model.batches == [3]


def test_no_more_hands_compute_than_there_are(model: Any) -> None:
    hands, busy, most = Hands(2), [0], [0]
    located, lock = model.locate, threading.Lock()

    def counted(crops: Crops) -> tuple[Floats, Floats]:
        with lock:
            busy[0] += 1
            most[0] = max(most[0], busy[0])
        time.sleep(0.002)
        with lock:
            busy[0] -= 1
        return located(crops)

    model.locate = counted
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: together([asking(model, regions(n, n))], Batches(), hands), range(8)))
    hands.close()
    assert most[0] <= 2


def test_a_hand_that_breaks_is_free_again(model: Any, hands: Hands) -> None:
    for _ in range(3):
        [broken] = together([asking(model, regions(1, 99))], Batches(), hands)
        assert isinstance(broken, ValueError)
    model.batches.clear()
    together([asking(model, regions(1, 2))], Batches(), hands)
    assert model.batches == [1, 1]


def test_nobody_works_any_more_on_what_has_failed(model: Any, hands: Hands) -> None:
    """Its picture is gone then."""
    located, done = model.locate, threading.Event()

    def slow_where_fine(crops: Crops) -> tuple[Floats, Floats]:
        if not (crops == 99).any():
            time.sleep(0.05)
            done.set()
        return located(crops)

    model.locate = slow_where_fine
    [broken] = together([asking(model, regions(99, 1))], Batches(), hands)
    assert isinstance(broken, ValueError)
    assert done.is_set()
