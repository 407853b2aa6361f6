"""Whose faces a look is for."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
import pytest

from services.render.choosing import CLEARLY_LARGER, Choice, Present
from services.render.tracking import MEMORY_SECONDS, Tracks
from shared.model.faces import Face
from shared.model.looks import Look

FRAME = 1 / 25
LARGEST = Look(face_blur=1.0, faces="largest")


def face(x: float, side: float = 100, seed: int = 0) -> Face:
    """Points within a square; `seed` is the person."""
    points = np.random.default_rng(seed).uniform(0, 1, (68, 3)) * side + (x, 0, 0)
    return Face.of(points.astype(np.float32), 0.9)


@dataclass
class Camera:
    """Frames one after another."""

    present: Present = field(default_factory=lambda: Present(0.0, Tracks(), []))
    choice: Choice = field(default_factory=Choice)

    def sees(self, *faces: Face, after: float = FRAME) -> Choice:
        seconds = self.present.seconds + after
        tracks, named = self.present.tracks.seen(faces, seconds)
        self.present = Present(seconds, tracks, named)
        self.choice = self.choice.after(self.present)
        return self.choice

    def drawn(self, look: Look) -> list[int]:
        return [one.track for one in self.choice.of(self.present.faces, look)]

    def hidden(self, look: Look) -> set[int]:
        return self.choice.hidden(self.present, look)


def test_a_look_is_for_all_unless_it_says_whose() -> None:
    camera = Camera()
    camera.sees(face(0), face(300, 150))
    assert camera.drawn(Look()) == [1, 2]
    assert camera.drawn(Look(faces=(2, 7))) == [2]
    assert camera.drawn(LARGEST) == [2]


def test_where_nobody_is_nobody_is_the_largest() -> None:
    camera = Camera()
    assert camera.sees() == Choice(0)
    assert camera.drawn(LARGEST) == []
    assert camera.sees(face(0)) == Choice(1)


def test_of_two_faces_of_nearly_the_same_size_the_former_stays_the_largest() -> None:
    camera = Camera()
    sizes = (100 + 8 * np.sin(np.arange(40))).tolist()
    assert {camera.sees(face(0, size), face(400, 200 - size, seed=1)).largest for size in sizes} == {1}


def test_one_that_is_clearly_larger_takes_its_place_and_keeps_it() -> None:
    camera = Camera()
    camera.sees(face(0), face(400, seed=1))
    for step in range(60):
        other = face(400, 100 + 2 * step, seed=1)
        largest = camera.sees(face(0), other).largest
        assert largest == 1 or 2 * step >= 100 * (CLEARLY_LARGER - 1) - 10
    assert largest == 2
    assert camera.sees(face(0, 210), face(400, 218, seed=1)).largest == 2


def test_a_hand_before_the_largest_gives_its_place_to_nobody_until_it_is_forgotten() -> None:
    camera = Camera()
    camera.sees(face(0, 130), face(400, seed=1))
    for _ in range(round(MEMORY_SECONDS / FRAME) - 1):
        camera.sees(face(400, seed=1))
        assert camera.drawn(LARGEST) == []
    for _ in range(3):
        camera.sees(face(400, seed=1))
    assert camera.drawn(LARGEST) == [2]


def test_while_the_largest_is_not_found_the_largest_that_is_is_hidden_too() -> None:
    camera = Camera()
    camera.sees(face(0, 130), face(400, seed=1), face(800, 80, seed=2))
    assert camera.hidden(LARGEST) == {1}
    camera.sees(face(400, seed=1), face(800, 80, seed=2))
    assert camera.hidden(LARGEST) == {1, 2}
    camera.sees(face(0, 130), face(400, seed=1), face(800, 80, seed=2))
    assert camera.hidden(LARGEST) == {1}


@pytest.mark.parametrize("look", [Look(), Look(faces=(1, 2))])
def test_those_that_are_lost_are_hidden_as_long_as_they_are_known(look: Look) -> None:
    camera = Camera()
    camera.sees(face(0), face(400, seed=1))
    camera.sees()
    assert camera.hidden(look) == {1, 2}
    camera.sees(after=MEMORY_SECONDS + FRAME)
    assert camera.hidden(look) == set()


def test_a_face_that_may_have_been_taken_for_another_is_hidden_whichever_was_meant() -> None:
    camera, look = Camera(), Look(face_blur=1.0, faces=(1,))
    for step in range(20):
        camera.sees(face(10 * step, seed=1), face(400 - 10 * step, seed=2))
        if abs(400 - 20 * step) > 200:
            assert camera.hidden(look) == {1}
    assert camera.hidden(look) == {1, 2}
    assert camera.drawn(look) == [1]
    for _ in range(round(MEMORY_SECONDS / FRAME) + 10):
        camera.sees(face(200, seed=1), face(700, seed=2))
    assert 2 not in camera.hidden(look)


def test_it_is_a_value_that_can_be_kept() -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(Choice(7)), type=Choice) == Choice(7)
