"""The folder of prepared models."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from services.detect.models import store
from services.detect.models.registry import CONVERTER_REVISION, FACE_MESH, MODELS, ModelEntry
from shared.model.errors import Misconfigured, Rejected


def default_entries() -> tuple[ModelEntry, ...]:
    entries = (model.entry(store.sha256_of(model.file_name.encode())) for model in MODELS)
    return tuple(replace(one, published_sha256=store.sha256_of(one.published_file.encode())) for one in entries)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose files are short, but all there."""
    notices = {store.LICENCE_FILE: store.sha256_of(store.LICENCE_FILE.encode())}
    registry = store.Registry(revision=CONVERTER_REVISION, notices=notices, models=default_entries())
    store.write(tmp_path / "models", registry, {name: name.encode() for name in registry.files})
    return tmp_path / "models"


def other() -> ModelEntry:
    """A model of the user's."""
    files = {"file": "other.onnx", "sha256": store.sha256_of(b"prepared")}
    files |= {"published_file": "other.published.onnx", "published_sha256": store.sha256_of(b"published")}
    return replace(FACE_MESH.entry(""), name="other", source="a disk", **files)


OTHER = {"other.onnx": b"prepared", "other.published.onnx": b"published"}


def test_what_was_written_is_verified(folder: Path) -> None:
    registry = store.verify(folder)
    assert registry.revision == CONVERTER_REVISION
    assert registry.files[FACE_MESH.file_name] == store.sha256_of(b"face_mesh.onnx")


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
    registry = folder / store.REGISTRY_FILE
    now, then = f'"revision": {CONVERTER_REVISION}', f'"revision": {CONVERTER_REVISION + 1}'
    registry.write_text(registry.read_text().replace(now, then))
    with pytest.raises(Misconfigured, match="another version"):
        store.verify(folder)


def test_a_broken_registry_is_no_surprise(folder: Path) -> None:
    (folder / store.REGISTRY_FILE).write_text("{")
    with pytest.raises(Misconfigured, match="registry"):
        store.verify(folder)


def test_nothing_but_the_named_files_is_left(folder: Path) -> None:
    assert {path.name for path in folder.iterdir()} == {*store.verify(folder).files, store.REGISTRY_FILE}


def test_what_an_earlier_version_wrote_is_removed(folder: Path) -> None:
    (folder / store.MANIFEST_FILE).write_text("{}")
    store.install(folder, other(), OTHER)
    assert not (folder / store.MANIFEST_FILE).exists()


def test_an_installed_model_stands_beside_the_defaults(folder: Path) -> None:
    store.install(folder, other(), OTHER)
    registry = store.verify(folder)
    assert registry.models == (*default_entries(), other())
    assert registry.entry("other") == other()
    assert store.former(folder) == (other(),)


def test_a_model_of_the_same_name_takes_the_place(folder: Path) -> None:
    for source in ("a disk", "another disk"):
        store.install(folder, replace(other(), source=source), OTHER)
    assert [one.source for one in store.former(folder)] == ["another disk"]


def test_a_removed_model_leaves_nothing_behind(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    store.install(folder, other(), OTHER)
    store.uninstall(folder, "other")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_that_two_models_share_stays_for_the_other(folder: Path) -> None:
    store.install(folder, replace(other(), published_file=FACE_MESH.published_name), {"other.onnx": b"prepared"})
    store.uninstall(folder, "other")
    assert (folder / FACE_MESH.published_name).exists()


@pytest.mark.parametrize(("name", "sentence"), [("face-mesh", "cannot be removed"), ("mesh", "there are: blazeface")])
def test_a_default_or_unknown_model_is_not_removed(folder: Path, name: str, sentence: str) -> None:
    with pytest.raises(Rejected, match=sentence):
        store.uninstall(folder, name)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Misconfigured, match="VISAVIS_MODELS"):
        store.write(tmp_path / "file" / "models", store.Registry(revision=1, models=()), {})


def test_models_that_are_added_at_the_same_time_are_all_there(folder: Path) -> None:
    entries = [replace(other(), name=f"other-{number}") for number in range(12)]
    with ThreadPoolExecutor(len(entries)) as pool:
        list(pool.map(lambda entry: store.install(folder, entry, OTHER), entries))
    assert {entry.name for entry in store.verify(folder).models} >= {entry.name for entry in entries}
