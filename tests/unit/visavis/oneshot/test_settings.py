"""The settings of three services read together."""

from __future__ import annotations

from pathlib import Path

import pytest

from shared.model.errors import Misconfigured
from visavis.oneshot.settings import OneshotSettings


def test_the_variables_of_the_services_mean_the_same_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DETECT_EVERY", "3")
    monkeypatch.setenv("VISAVIS_X264_CRF", "18")
    monkeypatch.setenv("VISAVIS_MAX_SECONDS", "7")
    read = OneshotSettings.read()
    assert (read.detect.detect_every, read.render.x264_crf, read.ingest.limits.max_seconds) == (3, 18, 7)


def test_what_an_option_names_takes_the_place_of_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", "/elsewhere")
    read = OneshotSettings.read(models=Path("/here"), effects=Path("/effects"))
    assert (read.detect.models, read.render.effects) == (Path("/here"), Path("/effects"))


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DETECT_EVERY", "0")
    with pytest.raises(Misconfigured, match="VISAVIS_DETECT_EVERY=0: "):
        OneshotSettings.read()


def test_the_largest_frame_is_the_largest_still() -> None:
    read = OneshotSettings.read()
    assert read.largest_frame_bytes == read.ingest.limits.max_still_pixels * 3
