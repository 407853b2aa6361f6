"""services/ingest/pictures/asset.py"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.ingest.limits import IngestLimits
from services.ingest.pictures.asset import read_asset
from shared.model.assets import PreparedLut, PreparedPicture, pack
from shared.model.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

CUBE = b"# a comment\nLUT_1D_SIZE 2\n0 0 0\n1 1 1\n"


def refusal(data: bytes, limits: IngestLimits) -> Rejected:
    with pytest.raises(Rejected) as caught:
        read_asset(data, limits)
    return caught.value


def test_pictures_and_luts_are_told_apart_by_their_bytes(encoded_still: Callable[..., bytes]) -> None:
    limits = IngestLimits()
    assert isinstance(read_asset(CUBE, limits), PreparedLut)
    for kind in ("PNG", "JPEG", "WEBP", "GIF"):
        assert isinstance(read_asset(encoded_still(kind), limits), PreparedPicture)


@pytest.mark.parametrize(
    "data", [b"", b"dear reader", b"# a comment\n", b"\0\0\0\x20ftypisom" + bytes(50), b"BM" + bytes(90)]
)
def test_what_is_neither_is_refused(data: bytes) -> None:
    error = refusal(data, IngestLimits())
    assert (error.code, ".cube" in error.detail) == ("unsupported-media", True)


def test_what_passes_a_limit_is_refused_by_its_name() -> None:
    error = refusal(CUBE, IngestLimits(max_asset_bytes=len(CUBE) - 1))
    assert (error.code, "(max_asset_bytes)" in error.detail) == ("too-large", True)
    lut = CUBE.replace(b"2\n", b"3\n") + b"1 1 1\n"
    assert "(max_lut_size)" in refusal(lut, IngestLimits(max_lut_size=2)).detail


def test_no_prepared_asset_is_larger_than_said(encoded_still: Callable[..., bytes]) -> None:
    limits = IngestLimits(max_asset_pixels=64 * 48, max_asset_total_pixels=64 * 48, max_lut_size=2)
    for data in (encoded_still("PNG"), CUBE):
        assert len(pack(read_asset(data, limits))) <= limits.most_prepared_bytes
