"""Where sources may be fetched from, and what that may cost."""

from __future__ import annotations

from typing import Self

import msgspec

from services.ingest.limits import IngestLimits
from shared.model.addresses import SCHEMES, Network, RemoteUrl, read_networks, read_url
from shared.model.errors import Misconfigured

WEB_SCHEMES = frozenset({"http", "https"})
"""Fetched by ingest itself, file by file."""


class SourceRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of sources."""

    limits: IngestLimits = IngestLimits()
    schemes: tuple[str, ...] = tuple(SCHEMES)
    networks: tuple[Network, ...] = ()
    """Not public, and allowed."""
    srt_program: str = ""
    """FFmpeg's command line for srt://; empty: what is found."""
    unconfined: bool = False
    """Whether sources are read where the kernel refuses a network namespace."""

    @classmethod
    def read(
        cls, limits: IngestLimits, schemes: str, networks: str, *, unconfined: bool, srt_program: str = ""
    ) -> Self:
        """From the text of the settings `source_schemes` and `source_networks`. Raises Misconfigured."""
        wanted = tuple(part.strip() for part in schemes.split(",") if part.strip())
        unknown = [scheme for scheme in wanted if scheme not in SCHEMES]
        if unknown:
            raise Misconfigured(f"source_schemes has {', '.join(unknown)}; there are {', '.join(SCHEMES)}.")
        allowed = read_networks(networks, "source_networks")
        return cls(limits=limits, schemes=wanted, networks=allowed, unconfined=unconfined, srt_program=srt_program)

    @property
    def web_schemes(self) -> tuple[str, ...]:
        """Where playlists and redirects may lead."""
        return tuple(scheme for scheme in self.schemes if scheme in WEB_SCHEMES)

    def url(self, text: str) -> RemoteUrl:
        """A source's URL. Raises Rejected (`source-refused`)."""
        return read_url(text, self.schemes)
