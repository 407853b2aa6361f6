"""What kernels that lay pictures are told is what they take it for."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from services.render.blending import MODES
from services.render.cuda import laying
from services.render.cuda.laying import NUMBERS, colours_of
from shared.model.pictures import Colour


def test_modes_have_the_numbers_that_kernels_have_for_them() -> None:
    source = Path(laying.__file__).with_suffix(".cuh").read_text()
    assert list(NUMBERS) == list(MODES)
    assert list(NUMBERS.values()) == list(range(len(MODES)))
    words = ", ".join(mode.upper().replace("-", "_") for mode in MODES)
    assert f"enum Mode {{ {words} }};" in source


def test_colours_go_forth_and_back() -> None:
    numbers = np.frombuffer(colours_of(Colour()), np.float32).reshape(2, 3, 4)
    yuv = numbers[0] @ (200, 100, 50, 1)
    assert np.allclose(numbers[1] @ (*yuv, 1), (200, 100, 50), atol=1e-2)
    assert len(colours_of(Colour())) == 96
