"""What the colour tags of a decoded frame mean for us. Numbers are those of ITU-T H.273, as in FFmpeg."""

from __future__ import annotations

from shared.model.pictures import Colour, Matrix

FULL_RANGE, LIMITED_RANGE = 2, 1
"""FFmpeg's AVCOL_RANGE_JPEG and AVCOL_RANGE_MPEG; 0 is unspecified."""
_MATRICES = {1: Matrix.BT709, 5: Matrix.BT601, 6: Matrix.BT601, 7: Matrix.BT709, 9: Matrix.BT2020, 10: Matrix.BT2020}
"""H.273, table 4; SMPTE 240M (7) differs from BT.709 by less than one code value in ten."""
_TAGS = {Matrix.BT601: 6, Matrix.BT709: 1, Matrix.BT2020: 9}
_HD_WIDTH, _HD_HEIGHT = 1280, 577
"""Players take untagged video of this width, or height, or more for BT.709 (BT.601 ends at 576 lines)."""


def matrix_of(tag: int, width: int, height: int) -> Matrix:
    """The luma coefficients that an H.273 number means, or that players assume for this size where there is none."""
    if tag in _MATRICES:
        return _MATRICES[tag]
    return Matrix.BT709 if width >= _HD_WIDTH or height >= _HD_HEIGHT else Matrix.BT601


def colour_of(pixel_format: str, tag: int, range_tag: int, size: tuple[int, int]) -> Colour:
    """What the samples of our 4:2:0 copy mean, for a frame in FFmpeg's `pixel_format`.

    yuvj* is full range whatever the tag says; gray is, unless tagged otherwise, as swscale has it; RGB becomes limited.
    """
    matrix = matrix_of(tag, *size)
    if is_rgb(pixel_format):
        return Colour(matrix, full_range=False)
    full = range_tag == FULL_RANGE or pixel_format.startswith("yuvj")
    return Colour(matrix, full_range=full or (is_gray(pixel_format) and range_tag != LIMITED_RANGE))


def is_gray(pixel_format: str) -> bool:
    """True for formats without chroma."""
    return pixel_format.startswith(("gray", "ya8", "ya16", "mono"))


def is_rgb(pixel_format: str) -> bool:
    """True for formats of red, green and blue, palettes included."""
    return pixel_format.startswith(("rgb", "bgr", "argb", "abgr", "0rgb", "0bgr", "gbr", "pal8", "gbrap", "x2"))


def tag_for(pixel_format: str, tag: int, colour: Colour) -> int:
    """The H.273 number to write for our 4:2:0 copy: the source's own, except where its samples were RGB."""
    return _TAGS[colour.matrix] if is_rgb(pixel_format) or tag == 0 else tag
