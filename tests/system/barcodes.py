"""Clips whose frames say in their pixels which they are: clip, number and checksum, in black and white tiles.

They survive lossy coding; what reads them back finds frames that are lost, doubled, out of order or another clip's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Gray = NDArray[np.uint8]

WIDTH, HEIGHT, RATE = 640, 360, 30
TILE = 16
_CLIP_BITS, _NUMBER_BITS, _SUM_BITS = 8, 16, 8
_BITS = _CLIP_BITS + _NUMBER_BITS + _SUM_BITS


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with the frames of a result. All zero: it has every frame of its clip, once, in order."""

    lost: int = 0
    doubled: int = 0
    foreign: int = 0
    """Of another clip."""
    unreadable: int = 0
    """Whose tiles do not belong together."""
    misplaced: int = 0
    """Right after one with a higher number."""
    beyond: int = 0
    """With a number that the clip does not have."""


def write_clip(path: Path, portrait_jpeg: bytes, clip: int, frames: int, key_every: int = RATE) -> None:
    """Write H.264 with B-frames and a tone: the portrait drifts, and below it stand the tiles. clip: 0..255."""
    portrait = cv2.cvtColor(cv2.imdecode(np.frombuffer(portrait_jpeg, np.uint8), 1), cv2.COLOR_BGR2RGB)
    portrait = cv2.resize(portrait, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    with av.open(str(path), "w") as file:
        options = {"preset": "ultrafast", "crf": "18", "g": str(key_every), "bf": "2", "sc_threshold": "0"}
        video = file.add_stream("libx264", rate=RATE, options=options)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = file.add_stream("aac", rate=48_000)
        tone = np.sin(np.arange(48_000 * frames // RATE) * 440 * 2 * np.pi / 48_000) * 0.2
        for start in range(0, len(tone) - 1023, 1024):
            piece = av.AudioFrame.from_ndarray(tone[None, start : start + 1024].astype(np.float32), "fltp", "mono")
            piece.sample_rate, piece.pts = 48_000, start
            file.mux(sound.encode(piece))
        file.mux(sound.encode(None))
        for number in range(frames):
            drift = np.array([[1, 0, 30 * np.sin(number / 20)], [0, 1, 10 * np.cos(number / 30)]], np.float32)
            shown = cv2.warpAffine(portrait, drift, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REPLICATE)
            _draw(shown, clip, number)
            file.mux(video.encode(av.VideoFrame.from_ndarray(shown, "rgb24")))
        file.mux(video.encode(None))


def read_clip(path: Path) -> list[tuple[int, int]]:
    """(clip, number) of every frame, in order of presentation. Raises AssertionError for tiles whose sum is wrong."""
    words = _words(path)
    found = [word for word in words if word is not None]
    assert len(found) == len(words), "the tiles of a frame do not belong together"
    return found


def faults(path: Path, clip: int, frames: int) -> Faults:
    """What is wrong with a result that should be the frames 0 .. frames - 1 of a clip."""
    return compare(_words(path), clip, frames)


def compare(found: list[tuple[int, int] | None], clip: int, frames: int) -> Faults:
    """As `faults`, of (clip, number) of every frame; None stands for one that cannot be read."""
    own = [word[1] for word in found if word is not None and word[0] == clip]
    times = Counter(own)
    return Faults(
        lost=frames - sum(number in times for number in range(frames)),
        doubled=len(own) - len(times),
        foreign=sum(word is not None and word[0] != clip for word in found),
        unreadable=found.count(None),
        misplaced=sum(later < number for number, later in pairwise(own)),
        beyond=sum(number >= frames for number in own),
    )


def _words(path: Path) -> list[tuple[int, int] | None]:
    with av.open(str(path)) as file:
        return [_read(frame.to_ndarray(format="gray")) for frame in file.decode(video=0)]


def _draw(shown: Gray, clip: int, number: int) -> None:
    word = clip << (_NUMBER_BITS + _SUM_BITS) | number << _SUM_BITS | _sum(clip, number)
    for bit in range(_BITS):
        left = bit * TILE
        shown[HEIGHT - TILE :, left : left + TILE] = 255 if word >> bit & 1 else 0


def _read(gray: Gray) -> tuple[int, int] | None:
    middle, word = HEIGHT - TILE // 2, 0
    for bit in range(_BITS):
        left = bit * TILE + TILE // 2
        word |= int(gray[middle - 3 : middle + 3, left - 3 : left + 3].mean() > 127) << bit
    clip, number = word >> (_NUMBER_BITS + _SUM_BITS), word >> _SUM_BITS & ((1 << _NUMBER_BITS) - 1)
    return (clip, number) if word & ((1 << _SUM_BITS) - 1) == _sum(clip, number) else None


def _sum(clip: int, number: int) -> int:
    return (clip * 31 + number * 7 + (number >> 8) * 13 + 5) % 251
