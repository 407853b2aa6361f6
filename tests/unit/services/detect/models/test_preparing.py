"""Preparing the models; the network is used at most once for the whole run, by the fixture `models_folder`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NoReturn

import pytest
from msgspec.structs import replace

from services.detect.models import store, wheel
from services.detect.models.preparing import prepare
from services.detect.models.registry import FACE_MESH, LICENCE_MEMBER, MODELS, SELFIE
from shared.model.errors import Misconfigured


def unreachable(*_: object) -> NoReturn:
    raise AssertionError("the network is not to be used")


@pytest.fixture
def folder(models_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models_folder, tmp_path / "models"))


def test_a_second_run_does_nothing_and_needs_no_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "fetch", unreachable)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    prepare(folder, print)
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_spoilt_model_is_converted_again_without_network(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheel, "fetch", unreachable)
    good = (folder / FACE_MESH.file_name).read_bytes()
    (folder / FACE_MESH.file_name).write_bytes(good[:-1])
    said: list[str] = []
    prepare(folder, said.append)
    assert (folder / FACE_MESH.file_name).read_bytes() == good
    assert "face_mesh.onnx" in said[0]


def test_a_folder_of_an_earlier_version_is_converted_again_without_network(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel, "fetch", unreachable)
    (folder / store.REGISTRY_FILE).rename(folder / store.MANIFEST_FILE)
    prepare(folder, print)
    store.verify(folder)


def test_a_folder_is_filled_from_the_wheel(
    models_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = {m.member: (models_folder / m.published_name).read_bytes() for m in MODELS}
    monkeypatch.setattr(wheel, "fetch", lambda _: {LICENCE_MEMBER: b"Apache License", **published})
    prepare(tmp_path / "models", print)
    assert (tmp_path / "models" / store.LICENCE_FILE).read_bytes() == b"Apache License"
    store.verify(tmp_path / "models")


def test_a_folder_that_lacks_a_model_of_this_version_is_completed_and_keeps_what_was_added(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = {m.member: (folder / m.published_name).read_bytes() for m in MODELS}
    licence = (folder / store.LICENCE_FILE).read_bytes()
    own = replace(FACE_MESH.entry(""), name="own", file="own.onnx", sha256=store.sha256_of(b"own"), published_file="")
    before = store.read(folder).with_entry(own)
    without = tuple(entry for entry in before.models if entry.name != SELFIE.name)
    store.write(folder, replace(before, models=without), {"own.onnx": b"own"})
    for name in (SELFIE.file_name, SELFIE.published_name):
        (folder / name).unlink()
    monkeypatch.setattr(wheel, "fetch", lambda _: {LICENCE_MEMBER: licence, **published})
    prepare(folder, print)
    assert {entry.name for entry in store.verify(folder).models} == {"own", *(model.name for model in MODELS)}
    assert (folder / "own.onnx").read_bytes() == b"own"


def test_an_altered_wheel_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    altered = dict.fromkeys([LICENCE_MEMBER, *(m.member for m in MODELS)], b"altered")
    monkeypatch.setattr(wheel, "fetch", lambda _: altered)
    with pytest.raises(Misconfigured, match="altered wheel"):
        prepare(tmp_path / "models", print)
    assert not (tmp_path / "models").exists()


def test_the_licence_lies_beside_the_models(models_folder: Path) -> None:
    assert "Apache License" in (models_folder / store.LICENCE_FILE).read_text()
