"""Pictures as JPEG wants them: full range, BT.601 (JFIF). Whoever shows a JPEG takes it for that, whatever it says."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from shared.model.colours import rgb_of_yuv, yuv_of_rgb
from shared.model.pictures import Colour, Matrix, Picture

JFIF: Final = Colour(Matrix.BT601, full_range=True)


class JpegColours:
    """From one colour to JFIF's, at 4:2:0.

    Grey stays grey in every matrix, so that new chroma follows from chroma alone, and new luma is luma times a gain
    plus what chroma gives to it, which is worked out at chroma's size and repeated.
    """

    def __init__(self, source: Colour) -> None:
        self._same = source == JFIF
        self._source = source
        forth, back = rgb_of_yuv(source), yuv_of_rgb(JFIF)
        whole = back[:, :3] @ forth
        whole[:, 3] += back[:, 3]
        self._gain, self._offset = float(whole[0, 0]), float(whole[0, 3])
        self._light_of_chroma = whole[:1, 1:3]
        self._chroma = whole[1:, 1:]

    def converted(self, picture: Picture) -> Picture:
        """The picture itself if it has JFIF's colours, else a new one."""
        if self._same:
            return picture
        target = Picture.blank(picture.geometry, JFIF)
        y, cb, cr = picture.planes
        chroma = cv2.merge([cb, cr])
        cv2.split(cv2.transform(chroma, self._chroma), list(target.planes[1:]))
        if self._source.matrix is JFIF.matrix:
            table = np.arange(256) * self._gain + self._offset + float(self._light_of_chroma.sum()) * 128
            cv2.LUT(y, np.rint(np.clip(table, 0, 255)).astype(np.uint8), target.planes[0])
        else:
            self._luma(y, chroma, target.planes[0])
        return target

    def _luma(self, y: np.ndarray, chroma: np.ndarray, target: np.ndarray) -> None:
        light = cv2.transform(chroma.astype(np.float32), np.column_stack([self._light_of_chroma, self._offset]))
        wide = cv2.resize(light, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)[: y.shape[0], : y.shape[1]]
        cv2.addWeighted(y, self._gain, wide, 1.0, 0, target, cv2.CV_8U)
