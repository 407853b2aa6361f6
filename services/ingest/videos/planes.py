"""Decoded frames as they lie in the frame pool, upright planar 4:2:0 of one size and colour: their facts and copies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from services.ingest.upright import Orientation
from services.ingest.videos import colours
from shared.model.media import VideoFacts
from shared.model.pictures import Geometry, Matrix, PixelFormat

if TYPE_CHECKING:
    from fractions import Fraction

    from av.buffer import Buffer
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

    from shared.model.pictures import Picture

_PLANAR_420 = frozenset({"yuv420p", "yuvj420p"})
_GRAY = "gray"
_SWS_MATRIX = {Matrix.BT601: Colorspace.ITU601, Matrix.BT709: Colorspace.ITU709, Matrix.BT2020: Colorspace.BT2020}


def facts_of(
    first: VideoFrame,
    orientation: Orientation,
    sample_aspect: Fraction,
    time_base: tuple[int, int],
    frame_rate: tuple[int, int],
) -> VideoFacts:
    """Of a stream with that first frame, for what `UprightCopy` makes of its frames.

    sample_aspect: width : height of a sample as it is stored. time_base, frame_rate: as `VideoFacts` has them.
    """
    stored = (first.width, first.height)
    colour = colours.colour_of(first.format.name, first.colorspace, first.color_range, stored)
    width, height = orientation.size(*stored)
    return VideoFacts(
        geometry=Geometry(PixelFormat.I420, width, height),
        colour=colour,
        colour_primaries=first.color_primaries,
        colour_transfer=first.color_trc,
        colour_matrix=colours.tag_for(first.format.name, first.colorspace, colour),
        time_base=time_base,
        frame_rate=frame_rate,
        sample_aspect=(1 / sample_aspect if orientation.turned else sample_aspect).as_integer_ratio(),
    )


class UprightCopy:
    """Copies frames of one stream so that all have the geometry and colour that its facts say."""

    def __init__(self, first: VideoFrame, facts: VideoFacts, orientation: Orientation) -> None:
        """first: the frame that the facts were taken from."""
        self._is_gray = colours.is_gray(first.format.name)
        self._is_plain_gray = first.format.name == _GRAY
        self._facts, self._orientation = facts, orientation

    def write(self, frame: VideoFrame, picture: Picture) -> None:
        """Copy every sample, upright, into `picture`, whose geometry is that of the facts."""
        source = self.in_420(frame)
        chroma = (1, 2) if len(source.planes) > 1 else ()
        for index in (0, *chroma):
            self._orientation.copy(_plane(source, index), picture.planes[index])
        for index in {1, 2}.difference(chroma):
            picture.planes[index].fill(128)

    def in_420(self, frame: VideoFrame) -> VideoFrame:
        """`frame` as planar 4:2:0 or gray of the facts' size and colour: itself, where it is that already."""
        size = self._orientation.size(frame.width, frame.height)
        fits = size == (self._facts.geometry.width, self._facts.geometry.height) and _is_top_down(frame)
        name = frame.format.name
        if fits and (name in _PLANAR_420 or (name == _GRAY and self._is_plain_gray)):
            return frame
        return self._converted(frame)

    def _converted(self, frame: VideoFrame) -> VideoFrame:
        width, height = self._orientation.size(self._facts.geometry.width, self._facts.geometry.height)
        gray = colours.is_gray(frame.format.name) and self._is_gray
        own = colours.colour_of(frame.format.name, frame.colorspace, frame.color_range, (frame.width, frame.height))
        wanted = self._facts.colour
        rgb = colours.is_rgb(frame.format.name)
        return frame.reformat(
            width,
            height,
            _GRAY if gray else "yuv420p",
            src_colorspace=None if rgb else _SWS_MATRIX[own.matrix],
            dst_colorspace=_SWS_MATRIX[wanted.matrix],
            src_color_range=ColorRange.JPEG if rgb or own.full_range else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG if wanted.full_range else ColorRange.MPEG,
            threads=1,
        )


def orientation_of(frame: VideoFrame) -> Orientation:
    """How a frame's samples must be turned, by the display matrix that its stream has."""
    try:
        matrix: Buffer = frame.side_data["DISPLAYMATRIX"]  # type: ignore[typeddict-item]  # the stub knows one key only
    except KeyError:
        return Orientation()
    return Orientation.of_matrix(bytes(matrix))


def _plane(frame: VideoFrame, index: int) -> NDArray[np.uint8]:
    plane = frame.planes[index]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


def _is_top_down(frame: VideoFrame) -> bool:
    return all(plane.line_size > 0 for plane in frame.planes)
