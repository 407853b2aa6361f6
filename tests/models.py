"""The prepared models that tests run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.detect.models.preparing import prepare
from visavis.settings import LocalSettings

if TYPE_CHECKING:
    from pathlib import Path


def prepared_models() -> Path:
    """The folder that the product uses (VISAVIS_MODELS), filled if it is not."""
    folder = LocalSettings().models.expanduser()
    prepare(folder, print)
    return folder
