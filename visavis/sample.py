"""The sample clip: a public-domain portrait that moves, turns and zooms like a person before a camera."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import cv2
import numpy as np

from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]

WIDTH, HEIGHT, FRAME_RATE, SECONDS = 1280, 720, 30, 5
SOUND_RATE, TONE_HZ = 48_000, 440
FACE_CENTRE_PX = (222.0, 125.0)
"""Between the eyes and the mouth of the portrait (512 x 512)."""
FOCAL_PX = 1400.0
GRAIN = 2.0
"""Standard deviation of the sensor noise that every camera has, in grey levels."""


def write_sample(path: Path) -> None:
    """Write the clip: 1280x720, 30 frames a second, 5 s, H.264, with a tone as audio (AAC)."""
    portrait = _portrait()
    with av.open(str(path), "w") as clip:
        picture = clip.add_stream("libx264", rate=FRAME_RATE, options={"crf": "18", "preset": "veryfast"})
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = clip.add_stream("aac", rate=SOUND_RATE)
        for piece in _sound_frames(sound.codec_context.frame_size or 1024):
            clip.mux(sound.encode(piece))
        clip.mux(sound.encode(None))
        noise = np.random.default_rng(1)
        for number in range(FRAME_RATE * SECONDS):
            shown = _moved(portrait, number / FRAME_RATE).astype(np.float32)
            shown += noise.standard_normal(shown.shape, np.float32) * GRAIN
            frame = av.VideoFrame.from_ndarray(np.clip(shown, 0, 255).astype(np.uint8), format="rgb24")
            clip.mux(picture.encode(frame))
        clip.mux(picture.encode(None))


def portrait_jpeg() -> bytes:
    """The portrait itself as a picture: JPEG, 1280x720, one face."""
    done, encoded = cv2.imencode(".jpg", cv2.cvtColor(_moved(_portrait(), 0.0), cv2.COLOR_RGB2BGR))
    assert done  # noqa: S101  -- an array of this shape can always be encoded
    return encoded.tobytes()


def _portrait() -> Pixels:
    try:
        from skimage import data  # noqa: PLC0415  -- an extra: only the demo needs it
    except ImportError as error:
        raise Misconfigured("The sample clip needs the `demo` extra (scikit-image): run `make setup`.") from error
    portrait: Pixels = data.astronaut()  # type: ignore[no-untyped-call]  # scikit-image has no types
    return portrait


def _moved(portrait: Pixels, seconds: float) -> Pixels:
    """The portrait as a camera sees it at that time: a plane turned in space, 1280x720 RGB."""
    yaw, pitch = 0.28 * math.sin(1.3 * seconds), 0.10 * math.sin(0.9 * seconds + 1)
    roll, scale = 0.12 * math.sin(1.7 * seconds), 2.9 + 0.35 * math.sin(0.8 * seconds)
    shift = (70 * math.sin(1.1 * seconds), 25 * math.sin(1.9 * seconds))
    turned = _turn(yaw, pitch, roll)
    # A point (x, y, 0) of the portrait around the face's centre, scaled, turned, seen from FOCAL_PX away.
    plane = np.array([[scale, 0, -scale * FACE_CENTRE_PX[0]], [0, scale, -scale * FACE_CENTRE_PX[1]], [0, 0, 1]])
    space = np.column_stack((turned[:, 0], turned[:, 1], (0, 0, FOCAL_PX)))
    x0, y0 = WIDTH / 2 + shift[0], HEIGHT * 0.45 + shift[1]
    camera = np.array([[FOCAL_PX, 0, x0], [0, FOCAL_PX, y0], [0, 0, 1]])
    homography = camera @ space @ plane
    return np.asarray(
        cv2.warpPerspective(
            portrait, homography, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT
        ),
        np.uint8,
    )


def _turn(yaw: float, pitch: float, roll: float) -> NDArray[Any]:
    """Rotation matrix of a head that turns, nods and tilts, radians."""
    (cy, sy), (cp, sp), (cr, sr) = ((math.cos(a), math.sin(a)) for a in (yaw, pitch, roll))
    around_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    around_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    around_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(around_y @ around_x @ around_z)


def _sound_frames(size: int) -> Iterator[av.AudioFrame]:
    total = SOUND_RATE * SECONDS
    tone = (0.1 * np.sin(2 * np.pi * TONE_HZ * np.arange(total) / SOUND_RATE)).astype(np.float32)
    for start in range(0, total, size):
        piece = tone[start : start + size]
        frame = av.AudioFrame.from_ndarray(piece[np.newaxis], format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SOUND_RATE, start
        frame.time_base = Fraction(1, SOUND_RATE)
        yield frame
