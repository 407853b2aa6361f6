"""Models in lower precision, made from a real clip."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest

from services.detect.agreement import Accuracy
from services.detect.engine import Engine
from services.detect.models import store
from services.detect.models.registry import FACE_MESH, SELFIE, SHORT_RANGE
from services.detect.opening import open_models
from services.detect.trial import FP16, INT8, MOST_KEPT, Trial, _recorder, install, try_precision
from shared.model.errors import Misconfigured, Rejected
from shared.model.pictures import Colour, Geometry, Picture, PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CLIP = "two_heads.mp4"


def trial(milliseconds: float, off: float) -> Trial:
    entry = msgspec.structs.replace(FACE_MESH.entry(""), precision=INT8)
    return Trial(entry, b"", {"fp32": 1.0, INT8: milliseconds}, Accuracy(off, {}), 1)


@pytest.fixture
def folder(models_folder: Path, tmp_path: Path) -> Path:
    """Models that a test may add to."""
    return shutil.copytree(models_folder, tmp_path / "models")


def test_of_long_clips_some_inputs_are_kept_of_every_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Engine, "run", lambda _, **inputs: inputs)
    seen: list[dict[str, Any]] = []
    recorder = _recorder("face_mesh.onnx", seen)
    engine = recorder.__new__(recorder)
    engine.name = "face_mesh"
    for number in range(10 * MOST_KEPT):
        engine.run(image=np.array(number))
    numbers = [int(one["image"]) for one in seen]
    assert len(set(numbers)) == len(numbers) == MOST_KEPT
    assert 4 * MOST_KEPT < np.mean(numbers) < 6 * MOST_KEPT


def test_a_landmark_model_in_int8_is_near_the_one_in_fp32(
    folder: Path, clip: Callable[[str, int], list[Picture]]
) -> None:
    found = try_precision(folder, FACE_MESH.name, INT8, [clip(CLIP, 16)])
    assert found.entry.name == "face-mesh-int8"
    assert found.milliseconds.keys() == {"fp32", "int8"}
    assert 0 < found.accuracy.off < 0.03


def test_a_detector_that_was_installed_finds_the_faces(folder: Path, clip: Callable[[str, int], list[Picture]]) -> None:
    pictures = clip(CLIP, 16)
    install(folder, try_precision(folder, SHORT_RANGE.name, INT8, [pictures]))
    store.verify(folder)
    name = f"{SHORT_RANGE.name}-int8"
    new, default = (open_models(folder).detector(one).detect(pictures[0])[0] for one in (name, "blazeface"))
    np.testing.assert_allclose(new.box_px, default.box_px, atol=30)
    assert store.read(folder).entry(name).precision == INT8


def test_removing_it_leaves_the_model_that_it_was_made_from(
    folder: Path, clip: Callable[[str, int], list[Picture]]
) -> None:
    before = store.read(folder)
    install(folder, try_precision(folder, SHORT_RANGE.name, FP16, [clip(CLIP, 16)]))
    store.uninstall(folder, f"{SHORT_RANGE.name}-fp16")
    assert store.verify(folder) == before


def test_what_is_quantised_already_is_not_quantised_again(
    folder: Path, clip: Callable[[str, int], list[Picture]]
) -> None:
    install(folder, try_precision(folder, SHORT_RANGE.name, INT8, [clip(CLIP, 16)]))
    with pytest.raises(Rejected, match="is int8 already"):
        try_precision(folder, f"{SHORT_RANGE.name}-int8", INT8, [])


def test_a_model_that_is_no_onnx_file_is_refused(folder: Path) -> None:
    entry = msgspec.structs.replace(FACE_MESH.entry(store.sha256_of(b"")), name="of-dlib", file="of_dlib.dat")
    store.install(folder, entry, {entry.file: b""})
    with pytest.raises(Rejected, match="not run by ONNX Runtime"):
        try_precision(folder, entry.name, INT8, [])


def test_clips_without_a_face_are_refused(folder: Path) -> None:
    black = Picture.over(Geometry(PixelFormat.RGB24, 64, 64), Colour(), bytes(64 * 64 * 3))
    with pytest.raises(Rejected, match="had 0 inputs"):
        try_precision(folder, FACE_MESH.name, INT8, [[black] * 12])


def test_a_provider_that_is_not_here_is_named(folder: Path) -> None:
    with pytest.raises(Misconfigured, match="provider tensorrt"):
        try_precision(folder, FACE_MESH.name, FP16, [], "tensorrt")


def test_a_model_that_is_as_quick_and_near_is_good() -> None:
    assert trial(1.0, 0.01).objections(1.0, 0.01) == []


def test_a_model_that_is_slower_or_too_far_off_is_not() -> None:
    slower, off = trial(1.5, 0.02).objections(1.0, 0.01)
    assert "1.50 times as long" in slower
    assert "off by 2.00%" in off


def test_a_segmenter_gives_no_faces_to_compare_by(models_folder: Path) -> None:
    with pytest.raises(Rejected, match="no faces to compare by"):
        try_precision(models_folder, SELFIE.name, INT8, [])
