"""dlib's predictor of 68 landmarks (Kazemi and Sullivan, One Millisecond Face Alignment, 2014), from the user's .dat.

dlib is an extra: where it is wanted it is installed beside Visavis. Its files are no ONNX graphs, so nothing is
composed; a file is loaded once to see that it is one.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import numpy as np

from shared.model.errors import Misconfigured

POINTS = 68


def load_predictor(path: Path, name: str) -> tuple[Any, Any]:
    """dlib itself, and the predictor in the file at `path`; name: what it is called in a sentence.

    Raises Misconfigured if dlib is not installed, or the file is no predictor of 68 points.
    """
    try:
        dlib: Any = importlib.import_module("dlib")
    except ModuleNotFoundError as error:
        sentence = "needs dlib, which is not installed; install Visavis with its extra `dlib`."
        raise Misconfigured(f"The model {name} {sentence}") from error
    try:
        predictor = dlib.shape_predictor(str(path))
    except RuntimeError as error:
        raise Misconfigured(f"dlib cannot read the model {name}: {error}") from error
    points = predictor(np.zeros((64, 64), np.uint8), dlib.rectangle(8, 8, 56, 56)).num_parts
    if points != POINTS:
        raise Misconfigured(f"The model {name} is a predictor of {points} points; one of {POINTS} is needed.")
    return dlib, predictor


def check_predictor(content: bytes, name: str) -> None:
    """Raises Misconfigured as `load_predictor` for a file with this content."""
    with NamedTemporaryFile(prefix="visavis-", suffix=".dat") as scratch:
        scratch.write(content)
        scratch.flush()
        load_predictor(Path(scratch.name), name)
