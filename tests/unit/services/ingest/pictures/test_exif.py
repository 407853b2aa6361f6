"""services/ingest/pictures/exif.py"""

from __future__ import annotations

import struct

import pytest
from PIL import Image

from services.ingest.pictures.exif import exif_of, orientation_of, reset_orientation
from services.ingest.upright import Orientation


def block(turn: int, order: str = "<") -> bytes:
    """EXIF that has an orientation and nothing else."""
    mark = b"II" if order == "<" else b"MM"
    return b"Exif\0\0" + mark + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, turn, 0, 0)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_the_orientation_is_read_and_reset_in_either_byte_order(turn: int, order: str) -> None:
    exif = block(turn, order)
    assert orientation_of(exif) == Orientation.of_exif(turn)
    assert reset_orientation(exif) == block(1, order)


@pytest.mark.parametrize("exif", [b"", b"Exif\0\0", block(6)[:14], block(6)[:20], b"Exif\0\0XX" + bytes(30), block(99)])
def test_what_says_nothing_is_upright(exif: bytes) -> None:
    assert orientation_of(exif) == Orientation()


def test_a_block_that_no_jpeg_could_hold_is_left_out() -> None:
    image = Image.new("RGB", (1, 1))
    assert exif_of(image) == b""
    image.info["exif"] = b"II*\0"
    assert exif_of(image) == b"Exif\0\0II*\0"
    image.info["exif"] = bytes(70_000)
    assert exif_of(image) == b""
