"""Settings of render."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.render.settings import RenderSettings


def test_two_workers_never_write_into_the_same_folder() -> None:
    folders = {
        RenderSettings(var=Path("v"), lane=lane, worker=worker).render_work for lane in "ab" for worker in ("1", "2")
    }
    assert len(folders) == 4


def test_a_setting_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_X264_CRF", "31")
    assert RenderSettings().x264_crf == 31


@pytest.mark.parametrize(("value", "folder"), [("mine", Path("mine")), ("", None)])
def test_an_empty_folder_of_effects_is_none(monkeypatch: pytest.MonkeyPatch, value: str, folder: Path | None) -> None:
    monkeypatch.setenv("VISAVIS_EFFECTS", value)
    assert RenderSettings().effects == folder


@pytest.mark.parametrize(
    ("name", "value"), [("x264_crf", 52), ("x264_preset", "fast; rm"), ("render_sessions", 0), ("nvenc", "sometimes")]
)
def test_a_value_out_of_bounds_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        RenderSettings(**{name: value})
