"""Assets as values: what lies in the object store is checked before anything is drawn with it."""

from __future__ import annotations

import struct
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.model.assets import (
    MOST_LUT_VALUE,
    AssetFacts,
    AssetKind,
    PreparedLut,
    PreparedPicture,
    asset_key,
    asset_kind,
    facts_key,
    is_asset_id,
    pack,
    unknown_asset,
    unpack,
)
from shared.model.errors import Malformed

ID = "0123456789abcdef" * 2


def picture(frames: int = 3, width: int = 2, height: int = 3) -> PreparedPicture:
    bodies = tuple(bytes([number]) * (4 * width * height) for number in range(frames))
    return PreparedPicture(width=width, height=height, frames=bodies, durations_ms=(100, 50, 70)[:frames])


def lut(size: int = 2, **changes: Any) -> PreparedLut:
    table = np.random.default_rng(1).random((size, size, size, 3)).astype("<f4")
    return PreparedLut(**({"size": size, "body": table.tobytes()} | changes))


def lie(prepared: PreparedPicture | PreparedLut, **changes: Any) -> bytes:
    """The body of an asset with some fields that are not true."""
    fields = msgspec.msgpack.decode(pack(prepared)) | changes
    return msgspec.msgpack.encode(fields)


@pytest.mark.parametrize("prepared", [picture(), lut(3)])
def test_what_is_packed_is_unpacked(prepared: PreparedPicture | PreparedLut) -> None:
    assert unpack(pack(prepared)) == prepared


def test_a_pictures_frames_are_views_that_cannot_be_written() -> None:
    shown = picture().pictures
    assert [one.shape for one in shown] == [(3, 2, 4)] * 3
    assert [int(one[0, 0, 0]) for one in shown] == [0, 1, 2]
    with pytest.raises(ValueError, match="read-only"):
        shown[0][0] = 1


@pytest.mark.parametrize(
    ("milliseconds", "frame"), [(0, 0), (99.9, 0), (100, 1), (149, 1), (150, 2), (219, 2), (220, 0), (2320, 1)]
)
def test_an_animation_runs_in_a_loop(milliseconds: float, frame: int) -> None:
    assert picture().frame_at(milliseconds) == frame


def test_a_still_is_shown_at_any_time() -> None:
    still = PreparedPicture(width=1, height=1, frames=(b"\1\2\3\4",), durations_ms=(0,))
    assert still.picture(still.frame_at(12_345.6)).tolist() == [[[1, 2, 3, 4]]]


def test_in_a_lut_red_runs_fastest() -> None:
    rows = np.arange(24, dtype="<f4").reshape(8, 3)
    table = lut(body=rows.tobytes()).table
    assert table[0, 0, 1].tolist() == rows[1].tolist(), "the second row is one step of red"
    assert table[0, 1, 0].tolist() == rows[2].tolist(), "the third is one step of green"
    assert table[1, 0, 0].tolist() == rows[4].tolist(), "the fifth is one step of blue"


def test_facts_say_what_an_asset_is_without_its_samples() -> None:
    assert picture().facts(ID) == AssetFacts(id=ID, kind=AssetKind.PICTURE, width=2, height=3, frames=3)
    assert lut(3).facts(ID) == AssetFacts(id=ID, kind=AssetKind.LUT, size=3)


def test_an_asset_shows_its_shape_and_not_its_samples() -> None:
    assert repr(picture()) == "<PreparedPicture 2x3 3 frames>"
    assert repr(lut(3)) == "<PreparedLut 3x3x3>"


HUGE = struct.pack("<f", 2 * MOST_LUT_VALUE)
LIES: dict[str, bytes] = {
    "no size": lie(picture(), width=0),
    "a size below nothing": lie(picture(), width=-2, height=-3),
    "frames that are too short": lie(picture(), height=4),
    "no frames": lie(picture(), frames=[], durations_ms=[]),
    "durations for other frames": lie(picture(), durations_ms=[1]),
    "an animation that stands still": lie(picture(), durations_ms=[0, 0, 0]),
    "ten billion pixels": lie(picture(), width=100_000, height=100_000),
    "more frames than any": lie(picture(1), frames=[b""] * 2000, durations_ms=[1] * 2000),
    "a cube of one": lie(lut(), size=1, body=bytes(12)),
    "a cube too short": lie(lut(), size=3),
    "a huge cube": lie(lut(), size=10**9),
    "NaN": lie(lut(), body=struct.pack("<f", float("nan")) + lut().body[4:]),
    "an infinity": lie(lut(), body=struct.pack("<f", float("inf")) + lut().body[4:]),
    "a huge number": lie(lut(), body=HUGE + lut().body[4:]),
    "a domain of nothing": lie(lut(), domain_min=[0, 1, 0]),
    "a domain of next to nothing": lie(lut(), domain_max=[1, 1e-45, 1]),
    "a domain without end": lie(lut(), domain_max=[1, float("inf"), 1]),
    "another thing": msgspec.msgpack.encode({"type": "film"}),
    "no MessagePack": b"\xc1",
    "nothing": b"",
    "four billion frames": b"\x82\xa4type\xa7picture\xa6frames\xdd\xff\xff\xff\xff",
    "four gigabytes in a few bytes": b"\x82\xa4type\xa3lut\xa4body\xc6\xff\xff\xff\xff",
    "cut off": pack(picture())[:-5],
}


@pytest.mark.parametrize("case", LIES)
def test_a_body_that_lies_is_refused(case: str) -> None:
    with pytest.raises(Malformed, match="no prepared asset"):
        unpack(LIES[case])


@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_any_byte_may_be_wrong(at: int, flip: int) -> None:
    body = bytearray(pack(picture()))
    body[at % len(body)] ^= flip
    try:
        unpack(bytes(body))
    except Malformed as error:
        assert str(error).endswith(".")  # noqa: PT017  -- it may pass too


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", AssetKind.PICTURE),
        (b"GIF89a", AssetKind.PICTURE),
        (b"\xff\xd8\xff", AssetKind.PICTURE),
        (b"RIFF\0\0\0\0WEBP", AssetKind.PICTURE),
        (b"LUT_3D_SIZE 2\n", AssetKind.LUT),
        (b'\xef\xbb\xbf# a comment\r\n\r\n  TITLE "x"\r\n', AssetKind.LUT),
        (b"DOMAIN_MIN 0 0 0\n", AssetKind.LUT),
        (b"LUT_1D_SIZE 2\n", AssetKind.LUT),
        (b"", None),
        (b"# only a comment\n", None),
        (b"dear reader, LUT_3D_SIZE is a word\n", None),
        (b"\0\0\0\x20ftypisom", None),
        (b"RIFF\0\0\0\0AVI ", None),
    ],
)
def test_the_kind_is_told_by_the_first_bytes(head: bytes, kind: AssetKind | None) -> None:
    assert asset_kind(head) is kind


@pytest.mark.parametrize("text", ["", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "../" + "a" * 29, "a" * 31 + "\n"])
def test_what_is_no_id_is_no_part_of_a_key(text: str) -> None:
    assert not is_asset_id(text)
    assert is_asset_id(ID)


def test_an_asset_and_its_facts_lie_in_one_folder() -> None:
    assert asset_key(ID).rpartition("/")[0] == facts_key(ID).rpartition("/")[0] == f"assets/{ID}"


def test_what_is_said_of_an_unknown_asset_tells_a_wrong_id_from_a_missing_file() -> None:
    assert unknown_asset(ID).detail == f"There is no asset {ID}; upload the file to /v1/assets."
    assert "an id has 32 digits of 0-9 and a-f" in unknown_asset("./hat.png").detail
    assert unknown_asset(ID).code == "unknown-asset"
