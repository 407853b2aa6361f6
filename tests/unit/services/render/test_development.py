"""Curves, gains and lights of 4:2:0 frames against the definition in floating point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from shared.model.looks import Look

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model.pictures import Picture

LOOKS = [
    Look(brightness=0.6),
    Look(contrast=-0.8),
    Look(saturation=1.0),
    Look(saturation=-1.0),
    Look(temperature=-0.7),
    Look(brightness=-0.3, contrast=0.5, saturation=0.4, temperature=0.6),
]


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", [(256, 192), (131, 77)])
def test_frames_come_out_as_the_definition_says(
    look: Look, size: tuple[int, int], video_of: Callable[..., Picture], colourist: Any
) -> None:
    picture = video_of(*size)
    for errors in colourist.errors(picture, look):
        assert errors.mean() < 0.4
        assert np.percentile(errors, 99) < 1.3


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (1, 4), (4, 1), (3, 3)])
def test_frames_of_a_few_pixels_too(
    look: Look, size: tuple[int, int], video_of: Callable[..., Picture], colourist: Any
) -> None:
    assert all(errors.max() < 1.5 for errors in colourist.errors(video_of(*size), look))


@pytest.mark.parametrize("look", LOOKS)
def test_real_frames_come_out_as_the_definition_says(look: Look, real: Any, colourist: Any) -> None:
    for errors in colourist.errors(real.picture, look):
        assert errors.mean() < 0.35
        assert np.percentile(errors, 99) < 1.1


def test_saturation_leaves_luma_to_the_bit(real: Any, colourist: Any) -> None:
    drawn = colourist.drawn(real.picture, Look(saturation=0.8))
    assert np.array_equal(drawn.planes[0], real.picture.planes[0])
