"""An object store with an upload that is no video: what a function answers without working long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.model.jobs import source_key
from tests.models import prepared_models

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the store, which the environment names, as it does the prepared models."""
    models, folder = prepared_models(), tmp_path / "objects"
    (folder / source_key("j")).parent.mkdir(parents=True)
    (folder / source_key("j")).write_bytes(b"no video")
    monkeypatch.setenv("VISAVIS_STORE_URL", folder.as_uri())
    monkeypatch.setenv("VISAVIS_MODELS", str(models))
    return folder
