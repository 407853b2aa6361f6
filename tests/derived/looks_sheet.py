"""Draws docs/looks.png: every effect at nothing, half and full strength on a public-domain portrait. `make looks`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from services.detect.finding import FaceFinder
from services.detect.models.registry import SELFIE_NAME
from services.detect.opening import open_models
from services.render.drawing import Painter
from services.render.moment import Moment
from shared.model.catalogue import catalogue
from shared.model.effects import Background, Grade, Sticker, Texture
from shared.model.looks import Look
from shared.model.pictures import Picture
from tests.bench import paintings
from tests.bench.portrait import astronaut, enlarged, still
from visavis.settings import LocalSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from shared.model.assets import Prepared
    from shared.model.faces import Face

    Pixels = NDArray[np.uint8]

SHEET = Path(__file__).parents[2] / "docs" / "looks.png"
FACE_PX = 360
"""Width of the face that is drawn on."""
TILE = (112, 112)
"""Width and height of each picture on the sheet."""
COLUMNS, GAP, TITLE = 4, 10, 18
STRENGTHS = (0.0, 0.5, 1.0)
TWO_WAY = tuple(one.name for one in catalogue() if one.takes == "a number from -1 to 1")
FOCUS = {
    "face": (0.0, -0.08, 1.32),
    "head": (0.0, -0.12, 2.1),
    "frame": (0.25, 0.1, 3.4),
    "eyes": (0.0, -0.2, 0.95),
    "mouth": (0.0, 0.3, 0.66),
}
"""What is shown: middle, from that of the face's box, and side, all in widths of the box."""
SEEN_AT = {
    **dict.fromkeys(("brighten_eyes", "eyeshadow", "eyeliner", "brows", "lenses", "dark_circles"), "eyes"),
    "background": "frame",
    **dict.fromkeys(("whiten_teeth", "lipstick"), "mouth"),
    **dict.fromkeys(("stickers", "face_blur", "face_pixelate", "face_cover", "forehead"), "head"),
}
ASSETS: dict[str, Prepared] = {
    "a" * 32: paintings.tiger(),
    "b" * 32: paintings.glasses(),
    "c" * 32: paintings.hat(),
}
_TEXTURE, _GLASSES, _HAT, _LUT = (letter * 32 for letter in "abcd")


class Entry(NamedTuple):
    """One effect on the sheet."""

    title: str
    focus: str
    looks: tuple[Look, ...]
    """One for each tile, in order."""


def entries() -> Iterator[Entry]:
    """All effects in the order of the definition; those with two directions take two entries."""
    for name in Look.__struct_fields__:
        focus = SEEN_AT.get(name, "face")
        if name in {"own", "faces"}:
            continue
        if name in _BY_HAND:
            for title, looks in _BY_HAND[name].items():
                yield Entry(title, focus, looks)
            continue
        yield Entry(name, focus, tuple(Look.of(name, value) for value in STRENGTHS))
        if name in TWO_WAY:
            yield Entry(f"{name} below 0", focus, tuple(Look.of(name, -value) for value in STRENGTHS))


_ON_HEAD = Sticker(asset=_HAT, anchor="head", size=1.5, y=-0.1)
_BY_HAND = {
    "texture": {"texture": tuple(Look(texture=Texture(asset=_TEXTURE, amount=value)) for value in STRENGTHS)},
    "stickers": {
        "stickers": (
            Look(),
            Look(stickers=(Sticker(asset=_GLASSES, anchor="eyes"),)),
            Look(stickers=(Sticker(asset=_GLASSES, anchor="eyes"), _ON_HEAD)),
        )
    },
    "background": {
        "background: blur": tuple(Look(background=Background(amount=value)) for value in STRENGTHS),
        "background: colour": (
            Look(), *(Look(background=Background(kind="color", color=colour)) for colour in ("#2a6fb0", "#1c8a3a"))
        ),
    },
    "grade": {"grade": tuple(Look(grade=Grade(asset=_LUT, amount=value)) for value in STRENGTHS)},
}  # fmt: skip


def sheet(models: Path) -> Image.Image:
    """The whole sheet. models: folder of the prepared models."""
    rgb, face = enlarged(astronaut(), FaceFinder.load(models), FACE_PX)
    people = open_models(models).segmenter(SELFIE_NAME).segment(still(rgb)).alpha
    shown = list(entries())
    height = TITLE + TILE[1] + GAP
    width = len(STRENGTHS) * TILE[0] + GAP
    rows = -(-len(shown) // COLUMNS)
    image = Image.new("RGB", (COLUMNS * width - GAP, rows * height - GAP), "white")
    writer, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    painter = Painter({**ASSETS, _LUT: paintings.warm()})
    for number, entry in enumerate(shown):
        left, top = number // rows * width, number % rows * height
        writer.text((left, top), entry.title, "black", font)
        for place, look in enumerate(entry.looks):
            target = still(rgb.copy())
            painter.draw(target, [face], look, Moment(people=people))
            image.paste(Image.fromarray(_tile(target, face, entry.focus)), (left + place * TILE[0], top + TITLE))
    return image


def _tile(picture: Picture, face: Face, focus: str) -> Pixels:
    x0, y0, x1, y1 = face.box_px
    right, down, side = (share * (x1 - x0) for share in FOCUS[focus])
    x, y = (x0 + x1) / 2 + right, (y0 + y1) / 2 + down
    times = TILE[0] / side
    affine = np.array([(times, 0, TILE[0] / 2 - x * times), (0, times, TILE[1] / 2 - y * times)])
    soft = cv2.GaussianBlur(picture.planes[0], (0, 0), max(0.1, 0.35 / times))
    return np.asarray(cv2.warpAffine(soft, affine, TILE, borderMode=cv2.BORDER_REPLICATE), np.uint8)


if __name__ == "__main__":
    cv2.setNumThreads(1)
    sheet(LocalSettings().models.expanduser()).save(SHEET, optimize=True)
