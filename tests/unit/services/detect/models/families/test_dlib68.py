"""What is refused as a predictor of dlib's."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import numpy as np
import pytest

from services.detect.models.families.dlib68 import check_predictor
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.skipif(importlib.util.find_spec("dlib") is not None, reason="dlib is installed")
def test_without_dlib_no_file_is_taken() -> None:
    with pytest.raises(
        Misconfigured, match="The model mine needs dlib, which is not installed; install Visavis with its extra"
    ):
        check_predictor(b"", "mine")


def test_a_file_that_is_no_predictor_is_refused() -> None:
    pytest.importorskip("dlib", reason="dlib is an optional extra, and it is not installed")
    with pytest.raises(Misconfigured, match="dlib cannot read the model mine"):
        check_predictor(b"no predictor", "mine")


def test_a_predictor_of_other_points_is_refused(tmp_path: Path) -> None:
    dlib = pytest.importorskip("dlib", reason="dlib is an optional extra, and it is not installed")
    box = dlib.rectangle(8, 8, 56, 56)
    shape = dlib.full_object_detection(box, [dlib.point(20, 20), dlib.point(40, 40)])
    options = dlib.shape_predictor_training_options()
    options.tree_depth, options.cascade_depth, options.num_trees_per_cascade_level = 2, 1, 2
    image = np.random.default_rng(1).integers(0, 255, (64, 64), np.uint8)
    path = tmp_path / "two.dat"
    dlib.train_shape_predictor([image, image], [[shape], [shape]], options).save(str(path))
    with pytest.raises(Misconfigured, match="a predictor of 2 points"):
        check_predictor(path.read_bytes(), "mine")
