"""services/ingest/videos/wholeness.py"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.ingest.videos.wholeness import missing_bytes
from shared.model.errors import Rejected
from shared.model.media import MediaKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

KINDS = [
    ("clip.mp4", MediaKind.MP4, {"container": {"movflags": "faststart"}}),
    ("clip.mkv", MediaKind.MATROSKA, {}),
    ("clip.avi", MediaKind.AVI, {"codec": "mpeg4"}),
    ("clip.gif", MediaKind.GIF, {"codec": "gif", "pix_fmt": "rgb8"}),
]


@pytest.mark.parametrize(("name", "kind", "wanted"), KINDS)
def test_a_whole_file_misses_nothing(make_video: Callable[..., Path], name: str, kind: MediaKind, wanted: dict) -> None:
    assert missing_bytes(make_video(name, **wanted), kind) == 0


@pytest.mark.parametrize(("name", "kind", "wanted"), KINDS)
def test_a_cut_file_misses_its_end(make_video: Callable[..., Path], name: str, kind: MediaKind, wanted: dict) -> None:
    path = make_video(name, **wanted)
    path.write_bytes(path.read_bytes()[:-300])
    assert missing_bytes(path, kind) == (1 if kind is MediaKind.GIF else 300)


def test_a_file_without_its_index_is_refused(make_video: Callable[..., Path]) -> None:
    path = make_video("clip.mp4")
    path.write_bytes(path.read_bytes().split(b"moov")[0])
    with pytest.raises(Rejected, match="no index"):
        missing_bytes(path, MediaKind.MP4)


@pytest.mark.parametrize("kind", [MediaKind.MP4, MediaKind.AVI, MediaKind.MATROSKA, MediaKind.GIF])
def test_rubbish_ends_the_walk(tmp_path: Path, kind: MediaKind) -> None:
    path = tmp_path / "rubbish"
    path.write_bytes(b"\x00\x00\x00\x08moov" + b"\x00" * 64)
    assert missing_bytes(path, kind) >= 0


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MediaKind.MATROSKA, b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 6 + b"\xfe"),
        (MediaKind.MP4, b"\x00\x00\x00\x08moov\x00\x00\x00\x01mdat" + b"\xff" * 8),
    ],
)
def test_a_size_beyond_any_file_is_no_error(tmp_path: Path, kind: MediaKind, body: bytes) -> None:
    path = tmp_path / "huge"
    path.write_bytes(body + bytes(40))
    assert missing_bytes(path, kind) >= 0
