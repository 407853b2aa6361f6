"""Which videos a card's decoders can take, so that the frames are those that a CPU would have decoded."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.ingest.cuda.messages import CodecRange
    from services.ingest.messages.coded import CodedStream
    from shared.model.media import VideoFacts

_PLANAR_420 = frozenset({"yuv420p", "yuvj420p"})


def why_not(coded: CodedStream, facts: VideoFacts, ranges: Sequence[CodecRange]) -> str:
    """Why a card that takes `ranges` does not decode this video, in a sentence; empty if it does."""
    taken = next((one for one in ranges if one.codec == coded.codec), None)
    if taken is None:
        return f"The card does not decode {coded.codec}."
    size = facts.geometry
    within = taken.width[0] <= size.width <= taken.width[1] and taken.height[0] <= size.height <= taken.height[1]
    reasons = {
        f"Its samples are {coded.pixels}; the card's path is for 4:2:0 with 8 bits.": coded.pixels not in _PLANAR_420,
        "Its frames are to be turned or mirrored.": not coded.upright,
        "Its frames are interlaced.": coded.interlaced,
        "Its frames have another size than those before.": not coded.fits,
        "Its first frame has no time, or lies far from a key frame.": coded.begins is None,
        f"The card does not decode {coded.codec} of {size.width}x{size.height}.": not within,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
