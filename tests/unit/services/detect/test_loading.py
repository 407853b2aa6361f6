"""From settings to finders, with the real models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.detect.loading import load
from services.detect.settings import DetectSettings
from shared.model.errors import Misconfigured
from shared.model.offers import ModelChoice

if TYPE_CHECKING:
    from pathlib import Path


def test_every_prepared_model_can_be_asked_for(models_folder: Path) -> None:
    loaded = load(DetectSettings(models=models_folder))
    assert {"blazeface", "face-mesh"} <= {offer.name for offer in loaded.finders.offers}
    assert loaded.finders.of(ModelChoice()) is loaded.finders.of(ModelChoice(detector="blazeface"))
    assert loaded.provider == "cpu"


def test_a_provider_that_is_not_there_is_passed_over_with_a_sentence(models_folder: Path) -> None:
    loaded = load(DetectSettings(models=models_folder, providers="openvino,cpu"))
    assert len(loaded.passed_over) == (loaded.provider == "cpu")


def test_a_folder_without_models_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="visavis models prepare"):
        load(DetectSettings(models=tmp_path))
