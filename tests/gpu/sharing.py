"""Processes that share a card by NVIDIA's Multi-Process Service, for a while."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from shared.model.errors import Misconfigured
from shared.runtime.lifecycle import die_with_parent
from visavis.mps import Mps

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def sharing() -> Iterator[bool]:
    """Processes that are started meanwhile compute at the same time; False if that cannot be had."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as logs:
        mps = Mps(before, Path(logs), die_with_parent)
        try:
            mps.start()
        except Misconfigured:
            yield False
            return
        os.environ.clear()
        os.environ.update(mps.told(before))
        try:
            yield True
        finally:
            os.environ.clear()
            os.environ.update(before)
            mps.stop()
