"""Running one model as detect runs it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import msgspec
import pytest

from services.detect.models import store
from services.detect.models.registry import FACE_MESH, SHORT_RANGE, Model
from services.detect.models.rehearsing import ENTRY_FILE
from services.detect.rehearsal import run
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path


def laid_out(models_folder: Path, folder: Path, model: Model, **changed: object) -> Path:
    """A folder with the model's file and a line of the registry for it, altered."""
    entry = msgspec.structs.replace(store.read(models_folder).entry(model.name), **changed)
    shutil.copy(models_folder / model.file_name, folder / entry.file)
    (folder / ENTRY_FILE).write_bytes(msgspec.json.encode(entry))
    return folder


@pytest.mark.parametrize("model", [FACE_MESH, SHORT_RANGE], ids=lambda model: model.name)
def test_models_that_detect_runs_pass(models_folder: Path, tmp_path: Path, model: Model) -> None:
    run(laid_out(models_folder, tmp_path, model))


def test_another_number_of_points_than_was_said_is_refused(models_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"landmarks of \(1, 468, 3\)"):
        run(laid_out(models_folder, tmp_path, FACE_MESH, points=68))


def test_another_role_than_was_said_is_refused(models_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="takes image, not image, min_score"):
        run(laid_out(models_folder, tmp_path, FACE_MESH, role="detector"))
