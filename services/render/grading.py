"""Colours of a frame by a table in RGB, without turning the frame into RGB: each colour is worked out once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from services.render.region import halved
from shared.model.colours import steps_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from services.render.recipe import Recipe
    from services.render.region import Plane, Scratch
    from shared.model.pictures import Colour, Picture

LEVELS = 256
_PAIRS_AT_ONCE = 64
"""Pairs of chroma that are worked out in one go: their numbers stay in the processor's cache."""
_PAIRS_IN_ROW = 4
_BAND = 64
"""Rows of luma that are looked up in one go, for the same reason."""
_UNSEEN = -1


class Grading:
    """What a recipe makes of every luma under those pairs of chroma that were met so far.

    A frame has some hundred pairs, few of them new after the first frame, and each costs 256 colours once. Everything
    else is looking up: exact for the stored samples, nothing is interpolated. All 65,536 pairs would take 50 MB.
    """

    def __init__(self, recipe: Recipe, colour: Colour) -> None:
        self._recipe, self._colour = recipe, colour
        self._places = np.full((LEVELS, LEVELS), _UNSEEN, np.int32)
        """By Cb and Cr: where a pair's luma 0 stands in the tables, row << 16 | column."""
        self._met = 0
        self._luma = np.empty((_PAIRS_AT_ONCE, _PAIRS_IN_ROW * LEVELS), np.uint8)
        """Several pairs in a row, as OpenCV's maps reach only 32,766 rows."""
        self._chroma = np.empty((*self._luma.shape, 2), np.uint8)

    def draw(self, picture: Picture, scratch: Scratch) -> None:
        """Change a picture (i420) in place.

        A pixel's luma is looked up with the chroma sample that it lies in, and that with the mean of its four pixels.
        """
        y, cb, cr = picture.planes
        mean_luma, places = halved(y, scratch), self._placed(cb, cr, scratch)
        for top in range(0, y.shape[0], _BAND):
            band = y[top : top + _BAND]
            self._draw_luma(band, places[top // 2 : (top + band.shape[0] + 1) // 2], scratch)
        moved = scratch.take_bytes("moved", (*cb.shape, 2))
        cv2.add(places, mean_luma, places, None, cv2.CV_32S)
        both = self._chroma.view(np.uint16)[..., 0]  # one sample of 16 bits is found sooner than two of 8
        _look_up(both, places, moved.view(np.uint16)[..., 0])
        cv2.split(moved, (cb, cr))

    def _draw_luma(self, y: Plane, places: NDArray[np.int32], scratch: Scratch) -> None:
        rows, columns = y.shape
        wide = _doubled(places, scratch)[:rows, :columns]
        cv2.add(wide, y, wide, None, cv2.CV_32S)
        _look_up(self._luma, wide, y)

    def _placed(self, cb: Plane, cr: Plane, scratch: Scratch) -> NDArray[np.int32]:
        """[rows, columns] of chroma: where each sample's pair stands; those that were not met yet are worked out."""
        pairs = scratch.take_bytes("pairs", (*cb.shape, 4))
        nothing = scratch.take_bytes("nothing", cb.shape)
        nothing[...] = 0
        cv2.merge((cr, nothing, cb, nothing), pairs)  # little-endian 16 bits: x, y
        at, places = pairs.view(np.int32)[..., 0], _places(scratch, "places", cb.shape)
        _look_up(self._places, at, places)
        if places.min() == _UNSEEN:
            unseen = places == _UNSEEN
            self._learn(cb[unseen], cr[unseen])
            _look_up(self._places, at, places)
        return places

    def _learn(self, cb: Plane, cr: Plane) -> None:
        is_new = np.zeros(LEVELS * LEVELS, bool)
        is_new[cb.astype(np.int32) * LEVELS + cr] = True
        fresh = np.flatnonzero(is_new)
        self._grow(self._met + len(fresh))
        for start in range(0, len(fresh), _PAIRS_AT_ONCE):
            pairs = np.stack(np.divmod(fresh[start : start + _PAIRS_AT_ONCE], LEVELS), axis=1)
            slots = np.arange(self._met, self._met + len(pairs))
            drawn = self._developed(pairs)
            self._luma.reshape(-1, LEVELS)[slots] = drawn[..., 0]
            self._chroma.reshape(-1, LEVELS, 2)[slots] = drawn[..., 1:]
            self._places[pairs[:, 0], pairs[:, 1]] = (slots // _PAIRS_IN_ROW << 16) + slots % _PAIRS_IN_ROW * LEVELS
            self._met += len(pairs)

    def _grow(self, pairs: int) -> None:
        rows = self._luma.shape[0]
        while rows * _PAIRS_IN_ROW < pairs:
            rows *= 2
        if rows > self._luma.shape[0]:
            more = rows - self._luma.shape[0]
            self._luma = np.concatenate([self._luma, np.empty((more, *self._luma.shape[1:]), np.uint8)])
            self._chroma = np.concatenate([self._chroma, np.empty((more, *self._chroma.shape[1:]), np.uint8)])

    def _developed(self, pairs: NDArray[np.intp]) -> NDArray[np.uint8]:
        """[n, 256, 3]: Y, Cb, Cr by luma that pairs [n, 2] of chroma become."""
        black, luma_steps, chroma_steps = steps_of(self._colour)
        low = np.array((black, LEVELS // 2, LEVELS // 2), np.float32)
        steps = np.array((luma_steps, chroma_steps, chroma_steps), np.float32)
        stored = np.empty((len(pairs), LEVELS, 3), np.float32)
        stored[..., 0] = np.arange(LEVELS)
        stored[..., 1:] = pairs[:, None]
        drawn = self._recipe.developed((stored.reshape(-1, 3) - low) / steps, self._colour.matrix)
        return np.asarray(np.clip(np.rint(drawn * steps + low), 0, 255), np.uint8).reshape(stored.shape)


def _places(scratch: Scratch, name: str, shape: tuple[int, int]) -> NDArray[np.int32]:
    return scratch.take_bytes(name, (*shape, 4)).view(np.int32)[..., 0]


def _doubled(places: NDArray[np.int32], scratch: Scratch) -> NDArray[np.int32]:
    """Each place twice along both axes; a fifth of the time that OpenCV's or NumPy's own ways take."""
    rows, columns = places.shape
    twice = scratch.take_bytes("twice", (rows, columns, 8)).view(np.uint64)[..., 0]
    np.multiply(places.view(np.uint32), np.uint64(1 << 32 | 1), out=twice)
    wide = _places(scratch, "wide", (2 * rows, 2 * columns))
    wide.view(np.uint64).reshape(rows, 2, columns)[...] = twice[:, None]
    return wide


def _look_up(table: NDArray[Any], places: NDArray[np.int32], found: NDArray[Any]) -> None:
    """Fill `found` from a table; places: row << 16 | column, as OpenCV's maps in fixed point have them in memory."""
    # The stub asks for a second map, which only interpolation needs.
    cv2.remap(table, places[..., None].view(np.int16), None, cv2.INTER_NEAREST, found)  # type: ignore[call-overload] # see above
