"""services/ingest/pictures/still.py"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from services.ingest.limits import IngestLimits
from services.ingest.pictures.still import StillPicture
from shared.model.errors import Rejected
from shared.model.media import StillFacts
from shared.model.pictures import Picture

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Still = Callable[..., bytes]

LIMITS = IngestLimits()


def read(data: bytes, limits: IngestLimits = LIMITS) -> tuple[StillFacts, NDArray[np.uint8]]:
    still = StillPicture(data, limits)
    picture = Picture.blank(still.facts.geometry, still.facts.colour)
    still.write_into(picture)
    return still.facts, picture.planes[0]


def refusal(data: bytes, limits: IngestLimits = LIMITS) -> Rejected:
    with pytest.raises(Rejected) as caught:
        read(data, limits)
    return caught.value


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_a_picture_is_upright_and_its_exif_says_so(encoded_still: Still, kind: str, turn: int) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = turn, "camera"
    data = encoded_still(kind, exif=exif)
    facts, samples = read(data)
    assert np.array_equal(samples, np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")))
    kept = Image.Exif()
    kept.load(facts.exif)
    assert (kept[0x0112], kept[0x010F]) == (1, "camera")


@pytest.mark.parametrize(
    ("kind", "mode"), [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "P"), ("PNG", "1"), ("PNG", "LA"), ("WEBP", "RGBA")]
)
def test_every_mode_becomes_rgb(encoded_still: Still, kind: str, mode: str) -> None:
    options: dict[str, Any] = {"lossless": True} if kind == "WEBP" else {}
    data = encoded_still(kind, mode=mode, **options)
    assert np.array_equal(read(data)[1], np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))


def test_sixteen_bits_keep_their_light() -> None:
    gray = np.arange(0, 65536, 16, dtype=np.uint16).reshape(64, 64)
    body = io.BytesIO()
    Image.fromarray(gray).save(body, "PNG")
    samples = read(body.getvalue())[1]
    assert np.abs(samples[..., 1].astype(int) - gray / 257).max() <= 0.5


def test_transparency_is_laid_on_white() -> None:
    image = np.zeros((32, 32, 4), np.uint8)
    image[:16, :, 3] = 255
    body = io.BytesIO()
    Image.fromarray(image).save(body, "PNG")
    samples = read(body.getvalue())[1]
    assert (samples[:16] == 0).all()
    assert (samples[16:] == 255).all()


def test_the_first_frame_of_an_animation_is_read() -> None:
    body = io.BytesIO()
    images = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    images[0].save(body, "WEBP", save_all=True, append_images=images[1:], lossless=True)
    assert (read(body.getvalue())[1] == (255, 0, 0)).all()


def test_a_colour_profile_is_kept_where_it_fits(encoded_still: Still) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert read(encoded_still("PNG", icc_profile=profile))[0].icc_profile == profile
    gray = profile[:16] + b"GRAY" + profile[20:]
    assert read(encoded_still("JPEG", mode="L", icc_profile=gray))[0].icc_profile == b""


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_picture_that_is_cut_off_is_refused(kind: str, part: float) -> None:
    body = io.BytesIO()
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)).save(body, kind)
    assert refusal(body.getvalue()[: int(len(body.getvalue()) * part)]).code == "damaged-media"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_with_any_byte_wrong_is_read_or_refused(encoded_still: Still, kind: str) -> None:
    data = bytearray(encoded_still(kind))
    for at in range(0, len(data), max(1, len(data) // 150)):
        broken = data.copy()
        broken[at] ^= 0xFF
        try:
            read(bytes(broken))
        except Rejected as error:
            assert error.code in {"damaged-media", "unsupported-media", "too-large", "too-small"}  # noqa: PT017  -- it may pass too


def test_a_huge_picture_is_refused_by_its_header(encoded_still: Still) -> None:
    body = io.BytesIO()
    Image.new("1", (20_000, 20_000)).save(body, "PNG")
    error = refusal(body.getvalue())
    assert (error.code, "(max_still_pixels)" in error.detail) == ("too-large", True)


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_still_pixels": 3071}, "too-large"),
        ({"max_still_bytes": 10}, "too-large"),
        ({"min_side": 49}, "too-small"),
    ],
)
def test_what_passes_a_limit_is_refused_by_its_name(encoded_still: Still, limits: dict[str, int], code: str) -> None:
    error = refusal(encoded_still("PNG"), IngestLimits(**limits))
    assert error.code == code
    assert f"({next(iter(limits))})" in error.detail


@pytest.mark.parametrize("data", [b"", b"hello", b"GIF89a" + bytes(50), b"\x00\x00\x00\x1cftypavif" + bytes(50)])
def test_what_is_no_still_is_refused(data: bytes) -> None:
    assert refusal(data).code == "unsupported-media"
