"""Many searches at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from services.detect.batching import Batches, Question, Search, together

if TYPE_CHECKING:
    from services.detect.contracts import Crops, Floats


class Landmarker:
    """Answers with the first sample of each crop; remembers how many it was asked about at a time."""

    points = 1

    def __init__(self) -> None:
        self.batches: list[int] = []

    def crop(self, *_: object) -> Crops:
        return np.zeros((2, 2, 3), np.uint8)

    def locate(self, crops: Crops) -> tuple[Floats, Floats]:
        self.batches.append(len(crops))
        if (crops == 99).any():
            raise ValueError("broken")
        first = crops[:, 0, 0, :1].astype(np.float32)
        return first[:, None], first[:, 0]


def crops(*samples: int) -> Crops:
    return np.stack([np.full((2, 2, 3), sample, np.uint8) for sample in samples])


def asking(model: Any, *questions: Crops) -> Search[list[list[float]]]:
    found = []
    for question in questions:
        _, presence = yield Question(model, question)
        found.append(presence.tolist())
    return found


@pytest.fixture
def model() -> Any:
    return Landmarker()


def test_every_search_gets_its_own_answers(model: Any) -> None:
    searches = [asking(model, crops(1, 2), crops(3)), asking(model), asking(model, crops(4))]
    assert together(searches, Batches()) == [[[1, 2], [3]], [], [[4]]]


def test_what_is_asked_at_the_same_time_is_located_in_one_run(model: Any) -> None:
    together([asking(model, crops(1), crops(2)), asking(model, crops(3, 4))], Batches())
    assert model.batches == [3, 1]


def test_each_model_is_asked_for_itself(model: Any) -> None:
    other: Any = Landmarker()
    assert together([asking(model, crops(1)), asking(other, crops(2))], Batches()) == [[[1]], [[2]]]
    assert model.batches == other.batches == [1]


def test_a_large_batch_is_run_in_parts(model: Any) -> None:
    assert together([asking(model, crops(1, 2, 3, 4, 5))], Batches(most=2)) == [[[1, 2, 3, 4, 5]]]
    assert model.batches == [2, 2, 1]


def test_a_batch_is_filled_up_to_its_bucket_and_the_answers_cut(model: Any) -> None:
    batches = Batches(most=4, buckets=(1, 4))
    assert together([asking(model, crops(1), crops(2, 3))], batches) == [[[1], [2, 3]]]
    assert model.batches == [1, 4]


def test_every_bucket_is_run_before_the_first_question(model: Any) -> None:
    Batches(most=4, buckets=(1, 2, 4)).warm_up(model)
    Batches().warm_up(model)
    assert model.batches == [1, 2, 4]


def test_an_error_ends_its_own_search_only(model: Any) -> None:
    def failing() -> Search[list[list[float]]]:
        yield Question(model, crops(1))
        raise KeyError("lost")

    failed, fine = together([failing(), asking(model, crops(1), crops(2))], Batches())
    assert isinstance(failed, KeyError)
    assert fine == [[1], [2]]


def test_a_model_that_breaks_ends_those_who_asked_it(model: Any) -> None:
    other: Any = Landmarker()
    closed = []

    def careful() -> Search[list[list[float]]]:
        try:
            yield Question(model, crops(99))
        finally:
            closed.append(True)
        return []

    broken, fine = together([careful(), asking(other, crops(5))], Batches())
    assert isinstance(broken, ValueError)
    assert (fine, closed) == ([[5]], [True])
