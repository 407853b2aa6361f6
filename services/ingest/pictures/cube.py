"""Reads hostile `.cube` text strictly: what is not in the format is refused with the number of its line.

Adobe, Cube LUT Specification 1.0 (2013), and the `LUT_1D_INPUT_RANGE`, `LUT_3D_INPUT_RANGE` that DaVinci Resolve
writes in the place of a domain.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from shared.model.assets import MOST_LUT_VALUE, NARROWEST_DOMAIN, PreparedLut, is_domain
from shared.model.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_BOM = b"\xef\xbb\xbf"
_NUMBER = rb"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""Digits belong to one place only, so that what does not match is found out in linear time."""
_PLAIN = re.compile(_NUMBER)
_ROW = re.compile(rb"(%b)[ \t]+(%b)[ \t]+(%b)" % (_NUMBER, _NUMBER, _NUMBER))
_SIZES = {b"LUT_1D_SIZE": 1, b"LUT_3D_SIZE": 3}
_DOMAINS = (b"DOMAIN_MIN", b"DOMAIN_MAX")
_RANGES = (b"LUT_1D_INPUT_RANGE", b"LUT_3D_INPUT_RANGE")
_LONGEST_LINE = 1024
"""Bytes; the specification has 250."""


def read_cube(text: bytes, most_size: int) -> PreparedLut:
    """The LUT in `text`, at most `most_size` entries a side.

    A LUT of one dimension becomes the cube that does the same to each channel, which takes no rounding as long as it
    has `most_size` entries or fewer; a longer one is refused. Raises Rejected (`damaged-media`, `too-large`).
    """
    reading = _Reading(most_size)
    for number, line in _lines(text):
        reading.take(number, line)
    return reading.finished()


def _lines(text: bytes) -> Iterator[tuple[int, bytes]]:
    """Lines that are neither empty nor comments, with their numbers."""
    for number, raw in enumerate(text.removeprefix(_BOM).splitlines(), 1):
        line = raw.strip()  # of vertical white space too, which `splitlines` leaves
        if line and not line.startswith(b"#"):
            yield number, line


class _Reading:
    """What has been read so far: words first, then the rows of the table."""

    def __init__(self, most_size: int) -> None:
        self._most_size = most_size
        self._seen: set[bytes] = set()
        self._size = self._dimensions = self._rows = self._line = 0
        self._domain: dict[bytes, tuple[float, ...]] = {b"DOMAIN_MIN": (0.0,) * 3, b"DOMAIN_MAX": (1.0,) * 3}
        self._table: NDArray[np.float32] = np.empty((0, 3), np.float32)

    def take(self, number: int, line: bytes) -> None:
        """The next line that means something."""
        self._line = number
        if len(line) > _LONGEST_LINE:
            raise self._wrong(f"a line has at most {_LONGEST_LINE} bytes")
        row = _ROW.fullmatch(line)
        if row is not None:
            self._take_row(row.groups())
            return
        word, *values = line.split()
        if self._rows:
            raise self._wrong("a row of the table has three numbers and nothing more")
        if word in self._seen:
            raise self._wrong(f"{_shown(word)} stands there for the second time")
        self._seen.add(word)
        self._take_word(word, values)

    def finished(self) -> PreparedLut:
        """The LUT, if it is whole."""
        if not self._dimensions:
            raise Rejected("damaged-media", "The LUT has no LUT_3D_SIZE and no LUT_1D_SIZE.")
        if self._rows != len(self._table):
            raise self._wrong(f"the table ends after {self._rows} rows; it needs {len(self._table)}")
        low, high = self._domain.values()
        if not is_domain(low, high):
            detail = f"The LUT's domain must begin before it ends, by {NARROWEST_DOMAIN:g} or more, in R, G and B."
            raise Rejected("damaged-media", detail)
        table = self._table if self._dimensions == 3 else _widened(self._table)
        return PreparedLut(
            size=self._size,
            domain_min=(low[0], low[1], low[2]),
            domain_max=(high[0], high[1], high[2]),
            body=table.astype("<f4").tobytes(),
        )

    def _take_row(self, numbers: tuple[bytes, ...]) -> None:
        if not self._dimensions:
            raise self._wrong("LUT_3D_SIZE or LUT_1D_SIZE must stand before the table")
        if self._rows == len(self._table):
            raise self._wrong(f"the table has more than the {len(self._table)} rows of its size")
        self._table[self._rows] = self._within(tuple(map(float, numbers)))
        self._rows += 1

    def _take_word(self, word: bytes, values: list[bytes]) -> None:
        if word == b"TITLE":
            return
        if word in _SIZES:
            self._take_size(word, values)
        elif word in _DOMAINS:
            self._domain[word] = self._numbers(values, 3)
        elif word in _RANGES:
            low, high = self._numbers(values, 2)
            self._domain = {b"DOMAIN_MIN": (low,) * 3, b"DOMAIN_MAX": (high,) * 3}
        else:
            raise self._wrong(f"{_shown(word)} is no word and no row of a .cube file")

    def _take_size(self, word: bytes, values: list[bytes]) -> None:
        if self._dimensions:
            raise self._wrong("a LUT has one table: LUT_1D_SIZE and LUT_3D_SIZE do not go together")
        if len(values) != 1 or not re.fullmatch(rb"[0-9]{1,9}", values[0]) or int(values[0]) < 2:
            raise self._wrong(f"{word.decode()} must be a whole number from 2 to {self._most_size}")
        size = int(values[0])
        if size > self._most_size:
            detail = f"{word.decode()} {size} is more than the {self._most_size} allowed (max_lut_size)."
            raise Rejected("too-large", f"Line {self._line}: {detail}")
        self._size, self._dimensions = size, _SIZES[word]
        self._table = np.empty((size**self._dimensions, 3), np.float32)

    def _numbers(self, texts: list[bytes], count: int) -> tuple[float, ...]:
        if len(texts) != count or not all(map(_PLAIN.fullmatch, texts)):
            raise self._wrong(f"there must be {count} plain numbers")
        return self._within(tuple(map(float, texts)))

    def _within(self, numbers: tuple[float, ...]) -> tuple[float, ...]:
        if any(abs(number) > MOST_LUT_VALUE for number in numbers):
            raise self._wrong(f"a number is larger than {MOST_LUT_VALUE:g}")
        return numbers

    def _wrong(self, what: str) -> Rejected:
        return Rejected("damaged-media", f"Line {self._line}: {what}.")


def _widened(curves: NDArray[np.float32]) -> NDArray[np.float32]:
    """[size, 3] curves of R, G and B as the cube [blue, green, red, 3] that does the same."""
    size = len(curves)
    cube = np.empty((size, size, size, 3), np.float32)
    cube[..., 0] = curves[:, 0]
    cube[..., 1] = curves[:, 1, np.newaxis]
    cube[..., 2] = curves[:, 2, np.newaxis, np.newaxis]
    return cube


def _shown(word: bytes) -> str:
    return repr(word[:40].decode("ascii", "replace"))
