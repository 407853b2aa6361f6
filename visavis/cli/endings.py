"""What a result may be called: its name's ending says what it is, and nothing else is written under it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shared.model.errors import Rejected
from shared.model.media import SNIFF_BYTES, MediaKind, sniff

if TYPE_CHECKING:
    from collections.abc import Iterable

PICTURES = {".jpg": MediaKind.JPEG, ".jpeg": MediaKind.JPEG, ".png": MediaKind.PNG, ".webp": MediaKind.WEBP}
VIDEOS = {".mp4": MediaKind.MP4, ".mov": MediaKind.QUICKTIME, ".mkv": MediaKind.MATROSKA}
"""A retouched video is MP4, or what else takes the sound of its source."""
LINES = (".jsonl", ".ndjson")
"""Faces: a line of JSON a frame."""
LINE = (*LINES, ".json")
"""Of a picture's."""


def check_ending(output: Path, source: Path, kind: MediaKind) -> None:
    """Raises Rejected where the name of what is drawn says that it is of another kind. kind: of the source."""
    if kind.is_still:
        _check(output, PICTURES, f"{source} is a picture: name the result .jpg, .png or .webp")
    else:
        _check(output, VIDEOS, f"{source} is a video: name the result .mp4 (.mov or .mkv where its sound needs them)")


def check_ending_of_faces(output: Path, kind: MediaKind) -> None:
    """Raises Rejected where the name of found faces says that it is of another kind. kind: of the source."""
    _check(output, LINE if kind.is_still else LINES, "Faces are lines of JSON: name the result .jsonl")


def note_of(output: Path) -> str:
    """What there is to say of a video that could not become what its name says; empty: nothing."""
    if (named := VIDEOS.get(output.suffix.lower())) is None:
        return ""
    with output.open("rb") as file:
        written = sniff(file.read(SNIFF_BYTES))
    if written in {None, named}:
        return ""
    why = "" if written is MediaKind.MP4 else ", which takes the sound of its source"
    return f"{output} is {written}{why}, whatever its name says."


def _check(output: Path, endings: Iterable[str], sentence: str) -> None:
    suffix = output.suffix.lower()
    if output == Path("-"):
        raise Rejected("unsupported-output", f"{sentence}; nothing is written to standard output.")
    if suffix and suffix not in endings:
        raise Rejected("unsupported-output", f"{sentence}, not {output}.")
