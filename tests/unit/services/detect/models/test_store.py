"""The folder of prepared models."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.detect.models import store
from services.detect.models.registry import CONVERTER_REVISION, FACE_MESH, MODELS
from shared.model.errors import Misconfigured


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose files are short, but all there."""
    names = [store.LICENCE_FILE, *(m.file_name for m in MODELS), *(m.published_name for m in MODELS)]
    store.write(tmp_path / "models", "a wheel", {name: name.encode() for name in names})
    return tmp_path / "models"


def test_what_was_written_is_verified(folder: Path) -> None:
    manifest = store.verify(folder)
    assert manifest.revision == CONVERTER_REVISION
    assert manifest.files[FACE_MESH.file_name] == store.sha256_of(b"face_mesh.onnx")


def test_an_empty_folder_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="visavis models prepare"):
        store.verify(tmp_path)


def test_an_altered_model_is_named(folder: Path) -> None:
    (folder / FACE_MESH.file_name).write_bytes(b"another")
    with pytest.raises(Misconfigured, match=r"face_mesh\.onnx"):
        store.verify(folder)


def test_a_missing_model_is_named(folder: Path) -> None:
    (folder / FACE_MESH.file_name).unlink()
    with pytest.raises(Misconfigured, match=r"face_mesh\.onnx is missing"):
        store.verify(folder)


def test_models_of_another_converter_are_refused(folder: Path) -> None:
    manifest = folder / store.MANIFEST_FILE
    now, then = f'"revision": {CONVERTER_REVISION}', f'"revision": {CONVERTER_REVISION + 1}'
    manifest.write_text(manifest.read_text().replace(now, then))
    with pytest.raises(Misconfigured, match="another version"):
        store.verify(folder)


def test_a_broken_manifest_is_no_surprise(folder: Path) -> None:
    (folder / store.MANIFEST_FILE).write_text("{")
    with pytest.raises(Misconfigured, match="manifest"):
        store.verify(folder)


def test_nothing_but_the_named_files_is_left(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*store.verify(folder).files, store.MANIFEST_FILE}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="VISAVIS_MODELS"):
        store.write(tmp_path / "file" / "models", "a wheel", {})
