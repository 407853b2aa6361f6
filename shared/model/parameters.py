"""What the parameters of effects are: their ranges, and the sentence that each has in every contract."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

import msgspec

ID_DIGITS: Final = 32
"""Of the id of an asset."""

_COLOUR: Final = re.compile("#[0-9a-fA-F]{6}")
# A line's end before `$` would pass the pattern in Python, and in no other reader of the schema: hence the lengths.
Colour = Annotated[str, msgspec.Meta(pattern=f"^{_COLOUR.pattern}$", max_length=7, examples=["#b03a48"])]
"""Red, green and blue, sRGB."""
AssetId = Annotated[
    str,
    msgspec.Meta(
        pattern=f"^[0-9a-f]{{{ID_DIGITS}}}$",
        max_length=ID_DIGITS,
        examples=["0f343b0931126a20f133d67c2b018a3b"],
        description="What `/v1/assets` answered to an upload.",
    ),
]


def strength(sentence: str) -> Any:
    """0..1: nothing to everything that still looks like a face."""
    return msgspec.Meta(description=sentence, ge=0.0, le=1.0)


def two_way(sentence: str) -> Any:
    """-1..1: both directions of one change."""
    return msgspec.Meta(description=sentence, ge=-1.0, le=1.0)


def says(sentence: str) -> Any:
    """A parameter that is no number."""
    return msgspec.Meta(description=sentence)


def is_colour(text: str) -> bool:
    """True if `text` is a `Colour`."""
    return _COLOUR.fullmatch(text) is not None


def rgb_of(colour: Colour) -> tuple[int, int, int]:
    """Red, green, blue, 0..255."""
    number = int(colour[1:], 16)
    return number >> 16, number >> 8 & 255, number & 255
