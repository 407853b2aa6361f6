"""Assets become pictures to lay on, or a sentence that says why not."""

from __future__ import annotations

import numpy as np
import pytest

from services.render.paints import Paints
from shared.model.assets import PreparedLut, PreparedPicture
from shared.model.errors import Rejected

ANIMATION = PreparedPicture(
    width=2, height=1, frames=(bytes([255, 0, 0, 255] * 2), bytes([0, 0, 255, 255] * 2)), durations_ms=(100, 300)
)
LUT = PreparedLut(size=2, body=np.zeros(24, "<f4").tobytes())


@pytest.mark.parametrize(
    ("seconds", "red"),
    [(0.0, True), (0.0999, True), (0.1, False), (0.39, False), (0.4, True), (4.2, False), (-0.05, False)],
)
def test_an_animation_is_shown_by_the_time_and_in_a_loop(seconds: float, red: bool) -> None:
    shown = Paints({"a": ANIMATION}).of("a", "texture", seconds).level(1)
    assert shown[0, 0].tolist() == ([255, 0, 0, 255] if red else [0, 0, 255, 255])


def test_a_frame_is_prepared_once() -> None:
    paints = Paints({"a": ANIMATION})
    assert paints.of("a", "texture", 0.0) is paints.of("a", "texture", 0.4)
    assert paints.of("a", "texture", 0.0) is not paints.of("a", "texture", 0.2)


def test_an_asset_that_is_not_there_is_said() -> None:
    with pytest.raises(Rejected, match="upload the file") as raised:
        Paints({}).of("a", "texture")
    assert raised.value.code == "unknown-asset"


def test_a_colour_table_is_no_picture() -> None:
    with pytest.raises(Rejected, match="`texture` cannot be drawn by the asset a") as raised:
        Paints({"a": LUT}).of("a", "texture")
    assert raised.value.code == "invalid-look"
