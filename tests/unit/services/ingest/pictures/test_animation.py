"""services/ingest/pictures/animation.py"""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from services.ingest.limits import IngestLimits
from services.ingest.pictures.animation import read_picture
from shared.model.assets import MOST_SIDE
from shared.model.errors import Rejected

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from shared.model.assets import PreparedPicture

LIMITS = IngestLimits()
SIZE = (40, 30)
ANIMATED = ("PNG", "GIF", "WEBP")


def painted(number: int = 0, size: tuple[int, int] = SIZE) -> Image.Image:
    """Eight colours; only a square of it that moves with the number can be seen, half of it by half."""
    samples = np.zeros((size[1], size[0], 4), np.uint8)
    samples[..., :3] = np.random.default_rng(number).integers(0, 2, (size[1], size[0], 3)) * 255
    samples[5:20, number : number + 15, 3] = 255
    samples[5:10, number : number + 15, 3] = 128
    return Image.fromarray(samples)


def saved(kind: str, *images: Image.Image, **options: Any) -> bytes:
    body = io.BytesIO()
    if len(images) > 1:
        options |= {"save_all": True, "append_images": images[1:]}
    if kind == "WEBP":
        options |= {"lossless": True}
    images[0].save(body, kind, **options)
    return body.getvalue()


def read(data: bytes, **limits: int) -> PreparedPicture:
    return read_picture(data, IngestLimits(**limits))


def refusal(data: bytes, **limits: int) -> Rejected:
    with pytest.raises(Rejected) as caught:
        read(data, **limits)
    return caught.value


def assert_seen(found: NDArray[np.uint8], wanted: Image.Image) -> None:
    """Equal alpha, and equal colours wherever something is seen."""
    samples = np.asarray(wanted.convert("RGBA"))
    assert np.array_equal(found[..., 3], samples[..., 3])
    assert np.array_equal(found[samples[..., 3] > 0], samples[samples[..., 3] > 0])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_a_still_keeps_its_straight_alpha(kind: str) -> None:
    found = read(saved(kind, painted()))
    assert (found.width, found.height, found.durations_ms) == (*SIZE, (0,))
    assert_seen(found.pictures[0], painted())


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_every_frame_of_an_animation_is_whole(kind: str) -> None:
    images = [painted(number) for number in range(4)]
    found = read(saved(kind, *images, duration=[40, 70, 2000, 11]))
    assert found.durations_ms == (40, 70, 2000, 11)
    for shown, image in zip(found.pictures, images, strict=True):
        assert_seen(shown, image)


@pytest.mark.parametrize("disposal", [0, 1, 2, 3])
def test_frames_of_a_gif_are_laid_over_each_other_as_it_asks(disposal: int) -> None:
    images = [Image.new("RGB", SIZE, colour) for colour in ("red", "lime", "blue")]
    for number, image in enumerate(images):
        image.paste("white", (number * 5, 5, number * 5 + 8, 20))
    data = saved("GIF", *images, duration=60, disposal=disposal)
    found = read(data)
    with Image.open(io.BytesIO(data)) as file:
        for number, shown in enumerate(found.pictures):
            file.seek(number)
            assert np.array_equal(shown, np.asarray(file.convert("RGBA")))
            assert tuple(shown[0, -1, :3]) == images[number].getpixel((SIZE[0] - 1, 0))
    assert found.durations_ms == (60, 60, 60)


def test_a_gif_may_be_transparent() -> None:
    image = Image.new("P", SIZE, 1)
    image.putpalette([0, 0, 0, 255, 0, 0])
    image.paste(0, (0, 0, 10, 10))
    shown = read(saved("GIF", image, transparency=0)).pictures[0]
    assert shown[0, 0, 3] == 0
    assert shown[20, 20].tolist() == [255, 0, 0, 255]


def test_the_picture_for_those_who_know_no_animations_is_left_out() -> None:
    images = [painted(number) for number in range(3)]
    found = read(saved("PNG", Image.new("RGBA", SIZE, "red"), *images, default_image=True, duration=50))
    assert found.durations_ms == (50, 50, 50)
    assert_seen(found.pictures[0], images[0])


@pytest.mark.parametrize(("lasts", "shown"), [(0, 100), (10, 100), (20, 20), (655_350, 60_000)])
def test_durations_are_as_browsers_show_them(lasts: int, shown: int) -> None:
    images = [Image.new("L", SIZE, number * 100) for number in range(2)]
    assert read(saved("GIF", *images, duration=[lasts, 50])).durations_ms == (shown, 50)


@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_is_turned_upright(turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = turn
    data = saved("PNG", painted(), exif=exif)
    assert_seen(read(data).pictures[0], ImageOps.exif_transpose(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "L"), ("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "1"), ("PNG", "L"), ("PNG", "P"), ("PNG", "LA")],
)
def test_every_mode_becomes_rgba(kind: str, mode: str) -> None:
    data = saved(kind, painted().convert(mode))
    wanted = Image.open(io.BytesIO(data))
    wanted = wanted if wanted.has_transparency_data else wanted.convert("RGB")
    assert_seen(read(data).pictures[0], wanted)


def test_a_colour_that_stands_for_nothing_is_transparent() -> None:
    image = Image.new("RGB", SIZE, (1, 2, 3))
    image.putpixel((0, 0), (9, 9, 9))
    shown = read(saved("PNG", image, transparency=(9, 9, 9))).pictures[0]
    assert (shown[0, 0, 3], shown[1, 1, 3]) == (0, 255)


def test_sixteen_bits_keep_their_light() -> None:
    gray = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    shown = read(saved("PNG", Image.fromarray(gray))).pictures[0]
    assert np.abs(shown[..., :3].astype(int) - (gray / 257)[..., np.newaxis]).max() <= 0.5
    assert (shown[..., 3] == 255).all()


def test_a_cameras_second_picture_is_no_second_frame() -> None:
    images = [Image.new("RGB", SIZE, colour) for colour in ("red", "blue")]
    found = read(saved("MPO", *images))
    assert found.durations_ms == (0,)
    assert found.pictures[0][0, 0, 0] > 200


@pytest.mark.parametrize("kind", [*ANIMATED, "JPEG"])
@pytest.mark.parametrize("frames", [1, 3])
@pytest.mark.parametrize("part", [0.1, 0.3, 0.6, 0.9, 0.97])
def test_a_picture_that_is_cut_off_is_refused(kind: str, frames: int, part: float) -> None:
    images = [painted(number).convert("RGB") for number in range(1 if kind == "JPEG" else frames)]
    data = saved(kind, *images)
    error = refusal(data[: int(len(data) * part)])
    assert (error.code, "cut off or damaged" in error.detail) == ("damaged-media", True)


@pytest.mark.parametrize("kind", [*ANIMATED, "JPEG"])
def test_a_picture_with_any_byte_wrong_is_read_or_refused(kind: str) -> None:
    images = [painted(number).convert("RGB") for number in range(1 if kind == "JPEG" else 2)]
    data = bytearray(saved(kind, *images))
    for at in range(0, len(data), max(1, len(data) // 150)):
        broken = data.copy()
        broken[at] ^= 0xFF
        try:
            read(bytes(broken))
        except Rejected as error:
            assert error.code in {"damaged-media", "unsupported-media", "too-large"}  # noqa: PT017  -- it may pass too


@pytest.mark.parametrize("kind", ANIMATED)
@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"max_asset_pixels": 1199}, "40 x 30 pixels are more than the 1199 allowed (max_asset_pixels)"),
        ({"max_asset_frames": 2}, "more than 2 frames (max_asset_frames)"),
        ({"max_asset_total_pixels": 3599}, "more than the 3599 pixels allowed (max_asset_total_pixels)"),
    ],
)
def test_what_passes_a_limit_is_refused_by_its_name(kind: str, limits: dict[str, int], words: str) -> None:
    data = saved(kind, *(painted(number).convert("RGB") for number in range(3)))
    error = refusal(data, **limits)
    assert error.code == "too-large"
    assert words in error.detail


def png_header(width: int, height: int) -> bytes:
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)), (b"IDAT", zlib.compress(bytes(99))))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def gif(*frames: tuple[int, int], screen: int = 16) -> bytes:
    """Frames of one colour, of the sizes given."""
    head = b"GIF89a" + struct.pack("<HHBBB", screen, screen, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    images = (b"\x2c" + struct.pack("<HHHHB", 0, 0, *size, 0) + b"\x02\x02\x44\x01\x00" for size in frames)
    return head + b"".join(images) + b"\x3b"


def webp_canvas(side: int) -> bytes:
    canvas = bytes([2, 0, 0, 0]) + 2 * (side - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas + bytes(20)
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    "data",
    [png_header(50_000, 50_000), gif((1, 1), screen=60_000), webp_canvas(16_000), gif((1, 1), (60_000, 60_000))],
    ids=["PNG", "GIF", "WebP", "a GIF that grows"],
)
def test_a_huge_picture_is_refused_by_its_header(data: bytes) -> None:
    error = refusal(data)
    assert error.code == "too-large"
    assert "4194304" in error.detail
    assert "(max_asset_pixels)" in error.detail


def test_a_gif_whose_frames_grow_is_refused() -> None:
    assert refusal(gif((16, 16), (20, 20))).code == "damaged-media"


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\x00\x00\x00\x1cftypavif" + bytes(50), b"RIFF\0\0\0\0AVI " + bytes(9)]
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    assert refusal(data).code == "unsupported-media"


@pytest.mark.parametrize("size", [(2, MOST_SIDE + 1), (MOST_SIDE + 1, 2)])
def test_a_side_that_no_map_of_samples_reaches_is_refused(size: tuple[int, int]) -> None:
    error = refusal(saved("PNG", painted(size=size)))
    assert error.code == "too-large"
    assert f"a side has at most {MOST_SIDE}" in error.detail
