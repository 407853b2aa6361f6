"""The registry of models."""

from __future__ import annotations

from services.detect.models.registry import MODELS, Family


def test_every_model_has_files_of_its_own() -> None:
    names = [name for model in MODELS for name in (model.file_name, model.published_name)]
    assert len(set(names)) == 2 * len(MODELS)


def test_every_model_names_its_hash_and_licence() -> None:
    assert all(len(model.sha256) == 64 and model.licence == "Apache-2.0" for model in MODELS)


def test_a_detector_s_steps_fit_its_size_and_its_anchors() -> None:
    for model in (m for m in MODELS if m.family is Family.DETECTOR):
        assert model.size_px % model.multiple_px == 0
        assert all(model.multiple_px % layer.stride_px == 0 for layer in model.anchors)
