"""Which videos a card's decoders can take, so that the frames are those that a CPU would have decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.ingest.coded_messages import CodedStream
    from services.ingest.cuda.messages import CodecRange
    from shared.model.media import VideoFacts

_PLANAR_420 = frozenset({"yuv420p", "yuvj420p"})


def why_not(coded: CodedStream, facts: VideoFacts, ranges: Sequence[CodecRange]) -> str:
    """Why a card that takes `ranges` does not decode this video, in a sentence; empty if it does."""
    size = facts.geometry
    taken = next((one for one in ranges if one.codec == coded.codec), None)
    if taken is None:
        return f"The card does not decode {coded.codec}."
    if coded.pixels not in _PLANAR_420:
        return f"Its samples are {coded.pixels}; the card's path is for 4:2:0 with 8 bits."
    if not coded.upright:
        return "Its frames are to be turned or mirrored."
    if coded.interlaced:
        return "Its frames are interlaced."
    if not coded.fits:
        return "Its frames have another size than those before."
    if coded.begins is None:
        return "Its first frame cannot be told by its time, or lies far from a key frame."
    within = taken.width[0] <= size.width <= taken.width[1] and taken.height[0] <= size.height <= taken.height[1]
    if not within:
        return f"The card does not decode {coded.codec} of {size.width}x{size.height}."
    return ""
