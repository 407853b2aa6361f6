"""Looks that name files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from visavis.look_files import unmarked, with_uploads

FOLDER = Path("/looks")


class Uploads:
    """Gives every file an id and remembers it."""

    def __init__(self) -> None:
        self.files: list[Path] = []

    def __call__(self, path: Path) -> str:
        self.files.append(path)
        return f"id-{len(self.files)}"


@pytest.mark.parametrize(
    ("named", "file"),
    [("./hat.png", "/looks/hat.png"), ("../hat.png", "/hat.png"), ("/a/hat.png", "/a/hat.png"),
     ("@hat.png", "/looks/hat.png"), ("@/a/hat.png", "/a/hat.png")],
)  # fmt: skip
def test_a_file_is_uploaded_and_replaced_by_its_id(named: str, file: str) -> None:
    upload = Uploads()
    assert with_uploads({"texture": {"asset": named}}, upload, FOLDER) == {"texture": {"asset": "id-1"}}
    assert upload.files == [Path(file)]


def test_files_are_found_at_any_depth_and_each_is_uploaded_once() -> None:
    upload = Uploads()
    look = {
        "stickers": [{"asset": "./hat.png"}, {"asset": "@hat.png"}, {"asset": "./ear.png"}],
        "grade": {"asset": "../warm.cube"},
    }
    assert with_uploads(look, upload, FOLDER) == {
        "stickers": [{"asset": "id-1"}, {"asset": "id-1"}, {"asset": "id-2"}],
        "grade": {"asset": "id-3"},
    }
    assert upload.files == [FOLDER / "hat.png", FOLDER / "ear.png", Path("/warm.cube")]


@pytest.mark.parametrize(
    "look",
    [
        {},
        {"smooth": 0.5, "faces": "all"},
        {"texture": {"asset": "0f343b0931126a20f133d67c2b018a3b"}},
        {"texture": {"asset": "hat.png"}},
        {"texture": {"anchor": "./nose", "asset": None}},
    ],
)
def test_what_names_no_file_stays_as_it_is(look: dict[str, Any]) -> None:
    upload = Uploads()
    assert with_uploads(look, upload, FOLDER) == look
    assert upload.files == []


def test_the_look_that_was_given_is_not_changed() -> None:
    look = {"sticker": {"picture": "./hat.png"}}
    with_uploads(look, Uploads(), FOLDER)
    assert look == {"sticker": {"picture": "./hat.png"}}


def test_a_name_that_is_neither_id_nor_file_is_found_at_any_depth() -> None:
    look = {
        "texture": {"asset": "paint.png"},
        "grade": {"asset": "0f343b0931126a20f133d67c2b018a3b"},
        "stickers": [{"asset": "./hat.png"}, {"asset": "ear.png"}, {"asset": 7}, 5],
        "lipstick": {"color": "red.png"},
    }
    assert list(unmarked(look)) == ["paint.png", "ear.png"]
