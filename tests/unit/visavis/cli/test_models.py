"""`visavis models` in a folder without any."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.registry import MODELS
from visavis.cli import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_list_names_every_model_its_licence_and_whether_it_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    (tmp_path / MODELS[0].file_name).touch()
    assert main(["models", "--models", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    for model in MODELS:
        [line] = [line for line in lines if f" {model.name} " in line]
        assert model.licence in line
        assert ("yes" in line) == (model is MODELS[0])


def test_models_that_are_not_whole_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "verify", "--models", str(tmp_path)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("visavis: ")
