"""How an uploaded asset is prepared: gateway asks, any ingest has a confined process read the file."""

from __future__ import annotations

import msgspec

from shared.model.assets import AssetFacts
from shared.model.jobs import Problem


class PrepareAsset(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An upload lies in the object store and is to be made an asset. Gateway asks any ingest."""

    asset: str
    """The id that it gets."""
    upload: str
    """Key of the upload; whoever put it there removes it."""

    SUBJECT = "assets.prepare"


class AssetPrepared(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The asset lies in the object store, with its facts."""

    facts: AssetFacts


class AssetRefused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """There will be no such asset, or, with the code `unavailable`, not now."""

    problem: Problem
