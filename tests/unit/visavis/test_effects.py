"""The contract that others write effects against."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from visavis.effects import Effect, FaceView, Number, effect


def view(rgb: np.ndarray, **changes: Any) -> FaceView:
    fields: dict[str, Any] = {
        "landmarks": np.zeros((5, 3), np.float32), "layout": 5, "scale": 4.0, "track": 1, "seconds": 0.0,
        "parts": {}, "find_skin": lambda: np.ones(rgb.shape[:2], np.float32),
    }  # fmt: skip
    return FaceView(rgb=rgb, **(fields | changes))


def test_a_function_gives_its_effect_its_name_and_is_called_as_it_is() -> None:
    @effect("Glows.", layouts=[68], amount=Number("How much."))
    def glow(face: FaceView, amount: float) -> None:
        face.rgb[:] = amount

    assert isinstance(glow, Effect)
    assert (glow.name, glow.sentence, glow.layouts) == ("glow", "Glows.", (68,))
    assert dict(glow.parameters) == {"amount": Number("How much.", 0.5, 0.0, 1.0)}
    face = view(np.zeros((2, 2, 3), np.uint8))
    glow.draw(face, amount=7)
    assert face.rgb.min() == 7


def test_skin_is_looked_for_once_and_only_if_it_is_asked_for() -> None:
    asked: list[int] = []

    def find() -> np.ndarray:
        asked.append(1)
        return np.zeros((2, 2), np.float32)

    face = view(np.zeros((2, 2, 3), np.uint8), find_skin=find)
    assert asked == []
    assert face.skin is face.skin
    assert asked == [1]


@pytest.mark.parametrize("other", [(255, 0, 100), np.full((2, 3, 3), (255, 0, 100))])
def test_mixing_goes_from_what_was_to_what_comes_by_its_share(other: Any) -> None:
    rgb = np.full((2, 3, 3), 100, np.uint8)
    view(rgb).mix(other, np.array([[0, 0.5, 1], [0, 0, 2]], np.float32))
    assert rgb[:, 0].tolist() == [[100] * 3] * 2
    assert rgb[0, 1].tolist() == [178, 50, 100]
    assert rgb[0, 2].tolist() == rgb[1, 2].tolist() == [255, 0, 100]


def test_mixing_stays_within_what_a_pixel_can_be() -> None:
    rgb = np.full((1, 2, 3), 250, np.uint8)
    view(rgb).mix(np.array([[[900] * 3, [-900] * 3]]), np.ones((1, 2), np.float32))
    assert rgb.tolist() == [[[255] * 3, [0] * 3]]


def test_where_the_share_is_0_all_stays_bit_by_bit() -> None:
    rgb = np.arange(60, dtype=np.uint8).reshape(4, 5, 3)
    before = rgb.copy()
    view(rgb).mix((255, 255, 255), np.zeros((4, 5), np.float32))
    assert np.array_equal(rgb, before)
