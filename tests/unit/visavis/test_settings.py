"""Settings of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.detect.settings import DetectSettings
from visavis.settings import LocalSettings


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
