"""Settings of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.detect.settings import DetectSettings
from visavis.settings import LocalSettings, right_settings


def test_commands_and_detect_look_for_the_models_in_the_same_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VISAVIS_MODELS", raising=False)
    assert LocalSettings().models == DetectSettings().models


def test_the_folder_of_the_models_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", "/somewhere/else")
    assert LocalSettings().models == Path("/somewhere/else")


@pytest.mark.parametrize(("value", "folder"), [("mine", Path("mine")), ("", None)])
def test_an_empty_folder_of_effects_is_none(monkeypatch: pytest.MonkeyPatch, value: str, folder: Path | None) -> None:
    monkeypatch.setenv("VISAVIS_EFFECTS", value)
    assert LocalSettings().effects == folder


def test_a_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_KEY", "vv_prefix_secret")
    assert LocalSettings().key.get_secret_value() == "vv_prefix_secret"
    assert "secret" not in repr(LocalSettings())


def test_what_is_wrong_is_as_by_default_and_what_is_right_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_LANE_CORES", "many")
    monkeypatch.setenv("VISAVIS_CARD", "first")
    monkeypatch.setenv("VISAVIS_MODELS", "/somewhere/else")
    found = right_settings()
    assert (found.lane_cores, found.card, found.models) == (0, "auto", Path("/somewhere/else"))


def test_where_nothing_is_wrong_it_is_what_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_LANE_CORES", "2")
    assert right_settings() == LocalSettings()
