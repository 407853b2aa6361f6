"""services/ingest/pictures/cube.py"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.pictures.cube import read_cube
from shared.model.assets import MOST_LUT_SIZE, PreparedLut
from shared.model.errors import Rejected

ROWS = "".join(f"{r} {g} {b}\n" for b in (0, 1) for g in (0, 1) for r in (0, 1))
WHOLE = "LUT_3D_SIZE 2\n" + ROWS


def read(text: str, most_size: int = MOST_LUT_SIZE) -> PreparedLut:
    return read_cube(text.encode(), most_size)


def refusal(text: str, most_size: int = MOST_LUT_SIZE) -> Rejected:
    with pytest.raises(Rejected) as caught:
        read(text, most_size)
    assert caught.value.detail.endswith(".")
    return caught.value


def test_rows_are_entries_with_red_running_fastest() -> None:
    found = read(WHOLE)
    assert (found.size, found.domain_min, found.domain_max) == (2, (0, 0, 0), (1, 1, 1))
    for blue, green, red in np.ndindex(2, 2, 2):
        assert found.table[blue, green, red].tolist() == [red, green, blue]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff# comment\n\n" + WHOLE,
        'TITLE "a LUT_3D_SIZE 9 in words"\n' + WHOLE,
        WHOLE.replace("\n", "\r\n"),
        WHOLE.replace("\n", "\r"),
        WHOLE.replace("\n", "  \n\t").replace(" ", "\t "),
        WHOLE + "# the end",
        WHOLE.replace("1 1 1", "+1. 1.e0 10E-1").replace("0 0 0", "0 0e9 .0"),
        "DOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n" + WHOLE,
        "LUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE 0.0 1.0\n" + ROWS,
    ],
)
def test_what_the_format_allows_is_read(text: str) -> None:
    assert read(text) == read(WHOLE)


def test_a_domain_is_kept() -> None:
    found = read("DOMAIN_MIN -1 0 0.5\nDOMAIN_MAX 2 3 4\n" + WHOLE)
    assert (found.domain_min, found.domain_max) == ((-1, 0, 0.5), (2, 3, 4))
    ranged = read("LUT_3D_SIZE 2\nLUT_3D_INPUT_RANGE -0.5 1.5\n" + ROWS)
    assert (ranged.domain_min, ranged.domain_max) == ((-0.5,) * 3, (1.5,) * 3)


def test_curves_become_the_cube_that_does_the_same() -> None:
    curves = np.random.default_rng(2).random((5, 3)).round(4)
    found = read("LUT_1D_SIZE 5\n" + "".join(f"{r} {g} {b}\n" for r, g, b in curves))
    assert found.size == 5
    for blue, green, red in np.ndindex(5, 5, 5):
        wanted = (curves[red, 0], curves[green, 1], curves[blue, 2])
        assert np.allclose(found.table[blue, green, red], wanted, atol=1e-6)


# No subnormal numbers: ONNX Runtime has the threads that it ran in before take them for 0.
@given(st.lists(st.floats(-60_000, 60_000, width=32, allow_subnormal=False), min_size=24, max_size=24))
def test_numbers_survive_their_text(numbers: list[float]) -> None:
    rows = np.array(numbers, np.float32).reshape(8, 3)
    text = "LUT_3D_SIZE 2\n" + "".join(f"{r!r} {g!r} {b!r}\n" for r, g, b in rows.tolist())
    assert np.array_equal(read(text).table.reshape(8, 3), rows)


WRONG: dict[str, tuple[str, str]] = {
    "nothing": ("", "no LUT_3D_SIZE"),
    "no table": ("LUT_3D_SIZE 2\n", "Line 1: the table ends after 0 rows; it needs 8"),
    "a row too few": (WHOLE[:-6], "Line 8: the table ends after 7 rows; it needs 8"),
    "a row too many": (WHOLE + "# so\n1 1 1\n", "Line 11: the table has more than the 8 rows"),
    "a table before its size": (ROWS + "LUT_3D_SIZE 2\n", "Line 1: LUT_3D_SIZE or LUT_1D_SIZE must stand before"),
    "NaN": (WHOLE.replace("1 1 1", "nan 1 1"), "Line 9: a row of the table has three numbers"),
    "NaN in the first row": (WHOLE.replace("0 0 0", "nan 0 0"), "Line 2: 'nan' is no word"),
    "an infinity": (WHOLE.replace("1 1 1", "1 inf 1"), "Line 9"),
    "an infinity in digits": (WHOLE.replace("1 1 1", "1 1e999 1"), "Line 9: a number is larger than 65504"),
    "a huge number": (WHOLE.replace("1 1 1", "1 -70000 1"), "Line 9: a number is larger than 65504"),
    "Python's own digits": (WHOLE.replace("1 1 1", "1_0 1 1"), "Line 9"),
    "digits of another script": (WHOLE.replace("1 1 1", "\u0661 1 1"), "Line 9"),
    "four numbers": (WHOLE.replace("1 1 1", "1 1 1 1"), "Line 9"),
    "two numbers": (WHOLE.replace("1 1 1", "1 1"), "Line 9"),
    "a comma": (WHOLE.replace("1 1 1", "0,5 1 1"), "Line 9"),
    "another word": ("GAMMA 2.2\n" + WHOLE, "Line 1: 'GAMMA' is no word"),
    "a word in the table": (WHOLE[:-6] + "TITLE late\n", "Line 9"),
    "two sizes": ("LUT_1D_SIZE 2\n" + WHOLE, "Line 2: a LUT has one table"),
    "the same size twice": ("LUT_3D_SIZE 2\n" + WHOLE, "Line 2: 'LUT_3D_SIZE' stands there for the second time"),
    "a size of one": ("LUT_3D_SIZE 1\n0 0 0\n", "Line 1: LUT_3D_SIZE must be a whole number from 2 to 65"),
    "a size below nothing": ("LUT_3D_SIZE -2\n", "Line 1: LUT_3D_SIZE must be"),
    "half a size": ("LUT_3D_SIZE 2.5\n", "Line 1: LUT_3D_SIZE must be"),
    "no size": ("LUT_3D_SIZE\n", "Line 1: LUT_3D_SIZE must be"),
    "a size of many digits": ("LUT_3D_SIZE " + "9" * 1000, "Line 1: LUT_3D_SIZE must be"),
    "a domain of two": ("DOMAIN_MIN 0 0\n" + WHOLE, "Line 1: there must be 3 plain numbers"),
    "a domain without end": ("DOMAIN_MAX 1 inf 1\n" + WHOLE, "Line 1: there must be 3 plain numbers"),
    "a domain of nothing": ("DOMAIN_MAX 1 0 1\n" + WHOLE, "domain must begin before it ends"),
    "a domain of next to nothing": ("DOMAIN_MAX 1e-45 1 1\n" + WHOLE, "domain must begin before it ends"),
    "a domain that float32 has not": (
        "DOMAIN_MIN .5 0 0\nDOMAIN_MAX .500000001 1 1\n" + WHOLE,
        "domain must begin before it ends",
    ),
    "a line of digits": ("LUT_3D_SIZE 2\n" + "1" * 80_000 + " x\n", "Line 2: a line has at most 1024 bytes"),
    "bytes": ("LUT_3D_SIZE 2\n" + "\0\1\2" * 50, "Line 2"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_not_in_the_format_is_refused_with_its_line(case: str) -> None:
    text, words = WRONG[case]
    error = refusal(text)
    assert error.code == "damaged-media"
    assert words in error.detail


@pytest.mark.parametrize("word", ["LUT_3D_SIZE", "LUT_1D_SIZE"])
def test_a_size_over_the_limit_is_refused_before_its_table_is_made(word: str) -> None:
    error = refusal(f"# x\n{word} 999999999\n", most_size=33)
    assert error.code == "too-large"
    assert error.detail == f"Line 2: {word} 999999999 is more than the 33 allowed (max_lut_size)."


def test_a_line_of_other_white_space_is_empty() -> None:
    assert read_cube(b"LUT_1D_SIZE 2\n\x0b\n\x0c\n0 0 0\n1 1 1\n", MOST_LUT_SIZE).size == 2


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        read_cube(b"LUT_1D_SIZE 2\n" + body, MOST_LUT_SIZE)
    except Rejected as error:
        assert error.code in {"damaged-media", "too-large"}  # noqa: PT017  -- it may pass too
