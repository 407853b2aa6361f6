"""The registry of models."""

from __future__ import annotations

from services.detect.models.registry import FACE_MESH, FAMILIES, MODELS, SELFIE, Family
from shared.model.offers import Role


def test_every_model_has_files_of_its_own() -> None:
    names = [name for model in MODELS for name in (model.file_name, model.published_name)]
    assert len(set(names)) == 2 * len(MODELS)


def test_every_model_names_its_hash_and_licence() -> None:
    assert all(len(model.sha256) == 64 and model.licence == "Apache-2.0" for model in MODELS)


def test_a_detector_s_steps_fit_its_size_and_its_anchors() -> None:
    for model in (m for m in MODELS if m.family is Family.BLAZEFACE):
        assert model.size_px % model.multiple_px == 0
        assert all(model.multiple_px % layer.stride_px == 0 for layer in model.anchors)


def test_a_line_says_what_the_family_gives() -> None:
    entry = FACE_MESH.entry("00")
    assert (entry.name, entry.offered_as, entry.file) == ("face-mesh", "face-mesh", "face_mesh.onnx")
    assert "468" in entry.gives


def test_a_segmenters_line_says_that_it_gives_masks() -> None:
    entry = SELFIE.entry("00")
    assert (entry.role, entry.points, entry.sizes_px) == (Role.SEGMENTER, 0, (256,))
    assert "mask" in entry.gives


def test_both_ranges_are_offered_as_one() -> None:
    assert {model.entry("").offered_as for model in MODELS} == {"blazeface", "face-mesh", "selfie-segmentation"}


def test_every_family_has_its_facts() -> None:
    assert FAMILIES.keys() == set(Family)
