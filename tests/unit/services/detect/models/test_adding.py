"""Adding models of the user's: real ones where they are at hand, and what is refused."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from services.detect.models import adding, store, wheel
from services.detect.models.adding import Wish, add
from services.detect.models.preparing import prepare
from services.detect.models.registry import CONVERTER_REVISION
from services.detect.opening import open_models
from shared.model.errors import Misconfigured, Rejected
from shared.model.offers import ModelOffer, Role

PUBLISHED = Path(__file__).parents[5].parent / "shared" / "models"


@pytest.fixture
def folder(models_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models_folder, tmp_path / "models"))


@pytest.fixture
def file() -> Path:
    path = PUBLISHED / "yunet_n_dynamic.onnx"
    if not path.exists():
        pytest.skip(f"The model {path} is not on this machine.")
    return path


def test_an_added_model_is_whole_and_offered_by_its_name(folder: Path, file: Path) -> None:
    entry = add(folder, file, Wish("yunet", name="yunet-n", licence="Apache-2.0", source="a disk"))
    assert (entry.licence, entry.source, entry.sizes_px, entry.points) == ("Apache-2.0", "a disk", (320, 160), 5)
    assert entry in store.verify(folder).models
    assert ModelOffer("yunet-n", Role.DETECTOR, 5) in open_models(folder).offers("", "")


def test_a_name_is_made_of_the_file_s(folder: Path, file: Path) -> None:
    assert add(folder, file, Wish("yunet")).name == "yunet-n-dynamic"


def test_sizes_may_be_said(folder: Path, file: Path) -> None:
    assert add(folder, file, Wish("yunet", sizes_px=(640, 192))).sizes_px == (640, 192)


@pytest.mark.parametrize("sizes_px", [(0,), (100,), (8192,)])
def test_sizes_that_do_not_fit_the_strides_are_refused(folder: Path, file: Path, sizes_px: tuple[int, ...]) -> None:
    with pytest.raises(Rejected, match="multiples of 32, up to 4096"):
        add(folder, file, Wish("yunet", sizes_px=sizes_px))


def test_a_landmark_model_says_its_size_itself(folder: Path, file: Path) -> None:
    with pytest.raises(Rejected, match="told by its file"):
        add(folder, file, Wish("pfld", sizes_px=(128,)))


@pytest.mark.parametrize("name", ["Yu", "a--b", "-a", "a_b", "a" * 60, "../a"])
def test_what_is_no_name_is_refused(folder: Path, file: Path, name: str) -> None:
    with pytest.raises(Rejected, match="is no name"):
        add(folder, file, Wish("yunet", name=name))


def test_a_pipe_is_not_waited_for(folder: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.onnx")
    with pytest.raises(Misconfigured, match="is no file"):
        add(folder, tmp_path / "model.onnx", Wish("yunet"))


def test_what_is_too_large_to_be_a_model_is_not_read(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()
    os.truncate(tmp_path / "model.onnx", 1 << 40)
    with pytest.raises(Misconfigured, match="more than 1024 MiB"):
        add(folder, tmp_path / "model.onnx", Wish("yunet"))


def test_a_model_that_cannot_be_run_is_not_taken_in(folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise Misconfigured("It cannot be run.")

    monkeypatch.setattr(adding, "rehearse", refuse)
    before = store.read(folder)
    with pytest.raises(Misconfigured, match="cannot be run"):
        add(folder, file, Wish("yunet"))
    assert store.read(folder) == before


@pytest.mark.parametrize("name", ["blazeface", "face-mesh"])
def test_the_names_of_the_defaults_are_taken(folder: Path, file: Path, name: str) -> None:
    with pytest.raises(Rejected, match="name of a default model"):
        add(folder, file, Wish("yunet", name=name))


def test_a_name_that_requests_use_for_something_else_is_taken(folder: Path, file: Path) -> None:
    with pytest.raises(Rejected, match="the detector's own points"):
        add(folder, file, Wish("yunet", name="keypoints"))


def test_an_unknown_family_is_refused_with_those_there_are(folder: Path, file: Path) -> None:
    with pytest.raises(Rejected, match="there are: blazeface, facemesh, scrfd"):
        add(folder, file, Wish("retina"))


def test_a_default_family_is_not_added(folder: Path, file: Path) -> None:
    with pytest.raises(Rejected, match="cannot be added"):
        add(folder, file, Wish("facemesh"))


def test_a_refused_model_leaves_the_folder_as_it_was(folder: Path, file: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Misconfigured, match="an SCRFD with key points"):
        add(folder, file, Wish("scrfd"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.skipif(importlib.util.find_spec("dlib") is not None, reason="dlib is installed")
def test_a_predictor_of_dlib_s_is_refused_without_dlib(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "shape.dat").write_bytes(b"")
    with pytest.raises(Misconfigured, match="The model shape needs dlib"):
        add(folder, tmp_path / "shape.dat", Wish("dlib68"))


def test_a_folder_that_is_not_prepared_is_refused(tmp_path: Path, file: Path) -> None:
    with pytest.raises(Misconfigured, match="visavis models prepare"):
        add(tmp_path, file, Wish("yunet"))


def age(folder: Path) -> None:
    """Make the registry one of an earlier version."""
    path = folder / store.REGISTRY_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"revision": CONVERTER_REVISION - 1}))


def test_a_new_version_makes_added_models_anew_from_what_was_kept(
    folder: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheel, "fetch", lambda _: pytest.fail("the network is not to be used"))
    entry = add(folder, file, Wish("yunet"))
    (folder / entry.file).write_bytes(b"of an earlier version")
    age(folder)
    prepare(folder, print)
    assert entry in store.verify(folder).models


def test_what_cannot_be_made_anew_can_still_be_removed(folder: Path, file: Path) -> None:
    entry = add(folder, file, Wish("yunet", name="yunet"))
    (folder / entry.published_file).write_bytes(b"spoilt")
    age(folder)
    with pytest.raises(Misconfigured, match="visavis models remove yunet"):
        prepare(folder, print)
    store.uninstall(folder, "yunet")
    prepare(folder, print)
    assert not store.former(folder)


def test_a_quantised_copy_is_kept_as_it_is(folder: Path, file: Path) -> None:
    entry: Any = add(folder, file, Wish("yunet", name="yunet"))
    (folder / entry.published_file).unlink()
    registry = json.loads((folder / store.REGISTRY_FILE).read_text())
    registry["models"][-1] |= {"published_file": "", "published_sha256": "", "precision": "int8"}
    (folder / store.REGISTRY_FILE).write_text(json.dumps(registry))
    age(folder)
    prepare(folder, print)
    assert store.verify(folder).entry("yunet").sha256 == entry.sha256
