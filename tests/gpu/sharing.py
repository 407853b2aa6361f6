"""Processes that share a card by NVIDIA's Multi-Process Service, for a while."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shared.model.errors import Misconfigured
from visavis.mps import Mps

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def sharing() -> Iterator[bool]:
    """Processes that are started meanwhile compute at the same time; False if that cannot be had."""
    mps = Mps(dict(os.environ))
    try:
        mps.start()
    except Misconfigured:
        yield False
        return
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(mps.told(before))
    try:
        yield True
    finally:
        os.environ.clear()
        os.environ.update(before)
        mps.stop()
