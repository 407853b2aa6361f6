"""What encoders take: frames over a picture's memory, and what the facts say of them."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final

import av
import numpy as np
from av.codec.context import Flags

from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext
    from numpy.typing import NDArray

    from shared.model.media import VideoFacts
    from shared.model.pictures import Picture

RANGES: Final = {False: 1, True: 2}
"""full_range to FFmpeg's AVColorRange."""
PIXELS: Final = {PixelFormat.I420: "yuv420p", PixelFormat.NV12: "nv12"}
"""FFmpeg's names of the layouts that videos are encoded from."""


def refuse_packed(facts: VideoFacts) -> None:
    """Raise ValueError for facts of pictures that no video is encoded from."""
    if facts.geometry.format not in PIXELS:
        raise ValueError(f"videos are encoded from i420 or nv12, not from {facts.geometry.format}")


def configure(context: VideoCodecContext, facts: VideoFacts, clock: Fraction) -> None:
    """Tell an encoder of 4:2:0 what its frames are: even sides, the facts' tags, times in units of `clock` seconds."""
    context.width = facts.geometry.width + facts.geometry.width % 2
    context.height = facts.geometry.height + facts.geometry.height % 2
    context.pix_fmt = PIXELS[facts.geometry.format]
    context.time_base = clock
    context.sample_aspect_ratio = Fraction(*facts.sample_aspect)
    context.color_primaries = facts.colour_primaries
    context.color_trc = facts.colour_transfer
    context.colorspace = facts.colour_matrix
    context.color_range = RANGES[facts.colour.full_range]
    context.flags |= Flags.frame_duration


def frame_of(picture: Picture, pixels: str = "") -> av.VideoFrame:
    """The picture as FFmpeg's frame: over the same memory where PyAV can, else copied and padded to even sides.

    pixels: FFmpeg's name of a 4:2:0 format with the picture's planes; empty: of the picture's own.
    Encoders copy what they are given before `encode` returns, so the frame need not outlive the call.
    """
    width, height = picture.geometry.width, picture.geometry.height
    pixels = pixels or PIXELS[picture.geometry.format]
    # PyAV takes the height from rows // 6 * 4, which is the height only for multiples of 4.
    if width % 2 == 0 and height % 4 == 0 and _adjoining(picture):
        whole = np.lib.stride_tricks.as_strided(
            picture.planes[0], (height * 3 // 2, width), (width, 1), writeable=False
        )
        return av.VideoFrame.from_numpy_buffer(whole, pixels)
    frame = av.VideoFrame(width + width % 2, height + height % 2, pixels)
    for target, samples in zip(frame.planes, picture.planes, strict=True):
        padded = np.frombuffer(memoryview(target), np.uint8).reshape(target.height, target.line_size)
        channels = samples.shape[2:]  # of NV12's chroma
        columns = target.width * (channels[0] if channels else 1)
        _fill(padded[:, :columns].reshape(target.height, target.width, *channels), samples)
    return frame


def _adjoining(picture: Picture) -> bool:
    """True if the planes follow one another in memory without gaps."""
    ends = [plane.ctypes.data + plane.nbytes for plane in picture.planes[:-1]]
    starts = [plane.ctypes.data for plane in picture.planes[1:]]
    return ends == starts and all(plane.flags.c_contiguous for plane in picture.planes)


def _fill(target: NDArray[np.uint8], samples: NDArray[np.uint8]) -> None:
    """Copy samples to the target's upper left and repeat the last row and column over the rest."""
    rows, columns = samples.shape[:2]
    target[:rows, :columns] = samples
    target[:rows, columns:] = samples[:, -1:]
    target[rows:] = target[rows - 1]
