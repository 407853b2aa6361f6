"""`visavis models` on folders of a few bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from services.detect.models import store
from services.detect.models.adding import Wish
from services.detect.models.registry import CONVERTER_REVISION, FACE_MESH, MODELS, ModelEntry
from visavis.cli import main, models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A registry of the default models and one more; of the files only the first is there."""
    other = replace(FACE_MESH.entry(""), name="other", file="other.onnx", source="a disk", licence="own")
    entries = (*(model.entry("") for model in MODELS), other)
    registry = store.Registry(revision=CONVERTER_REVISION, models=entries)
    store.write(tmp_path / "models", registry, {MODELS[0].file_name: b""})
    return tmp_path / "models"


@pytest.mark.parametrize("words", [["models"], ["models", "list"]])
def test_the_list_names_every_model_its_licence_and_whether_it_is_there(
    folder: Path, words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    assert main([*words, "--models", str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    for entry in store.read(folder).models:
        [line] = [line for line in lines if f" {entry.name} " in line]
        assert entry.licence in line
        assert entry.source in line
        assert ("yes" in line) == (entry.name == MODELS[0].name)


def test_the_list_says_how_each_model_is_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "list", "--models", str(folder)]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()[1:]
    place = heading.index("asked for as")
    asked = {line.split()[0]: line[place : heading.index("family")].strip() for line in lines}
    assert asked == {
        "blazeface-full-range": "--detector blazeface",
        "blazeface-short-range": "--detector blazeface",
        "face-mesh": "--landmarks face-mesh",
        "selfie-segmentation": "",
        "other": "--landmarks other",
    }


@pytest.mark.parametrize("word", ["verify", "list"])
def test_models_that_are_not_there_are_one_sentence(
    tmp_path: Path, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", word, "--models", str(tmp_path)]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("visavis: ")


def test_an_added_model_is_removed(folder: Path) -> None:
    assert main(["models", "remove", "other", "--models", str(folder)]) == 0
    assert [entry.name for entry in store.read(folder).models] == [model.name for model in MODELS]


def test_a_default_model_is_not_removed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "remove", "face-mesh", "--models", str(folder)]) == 1
    assert "cannot be removed" in capsys.readouterr().err


def test_a_model_is_added_as_it_is_wished(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    def add(*what: object) -> ModelEntry:
        asked.append(what)
        return store.read(folder).entry("other")

    monkeypatch.setattr(models, "add", add)
    words = ["--name", "mine", "--licence", "own", "--source", "a disk", "--sizes", "320", "160"]
    assert main(["models", "--models", str(folder), "add", "m.onnx", "--family", "scrfd", *words]) == 0
    assert asked == [(folder, Path("m.onnx"), Wish("scrfd", "mine", "own", "a disk", [320, 160]))]
    assert "--landmarks other" in capsys.readouterr().out


def test_the_folder_may_be_named_before_the_word_or_after(folder: Path) -> None:
    assert main(["models", "--models", str(folder), "list"]) == main(["models", "list", "--models", str(folder)]) == 0


def test_a_file_that_is_not_there_is_one_sentence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["add", "none.onnx", "--family", "scrfd", "--models", str(folder)]
    assert main(["models", *words]) == 1
    assert capsys.readouterr().err == "visavis: none.onnx: No such file or directory.\n"
