from __future__ import annotations

from pathlib import Path

import pytest

from shared.model.errors import Rejected
from shared.model.media import MediaKind
from visavis.cli.endings import check_ending, check_ending_of_faces, note_of

SOURCE = Path("me")
MP4 = b"\0\0\0\x18ftypisom and so on"
MOV = b"\0\0\0\x18ftypqt   and so on"


@pytest.mark.parametrize("name", ["out.jpg", "out.JPEG", "out.png", "out.webp", "out"])
def test_a_picture_becomes_a_picture(name: str) -> None:
    check_ending(Path(name), SOURCE, MediaKind.PNG)


@pytest.mark.parametrize("name", ["out.mp4", "out.MOV", "out.mkv", "out", "/dev/null"])
def test_a_video_becomes_what_takes_its_sound(name: str) -> None:
    check_ending(Path(name), SOURCE, MediaKind.WEBM)


@pytest.mark.parametrize("name", ["out.mp4", "out.gif", "out.txt", "-"])
def test_a_picture_is_not_written_under_another_name(name: str) -> None:
    with pytest.raises(Rejected, match=r"^me is a picture: name the result .jpg, .png or .webp") as refused:
        check_ending(Path(name), SOURCE, MediaKind.JPEG)
    assert ("standard output" if name == "-" else name) in refused.value.detail


@pytest.mark.parametrize("name", ["out.webm", "out.txt", "out.jpg", "out.avi", "-"])
def test_a_video_is_not_written_under_another_name(name: str) -> None:
    with pytest.raises(Rejected, match=r"^me is a video: name the result .mp4") as refused:
        check_ending(Path(name), SOURCE, MediaKind.MP4)
    assert ("standard output" if name == "-" else name) in refused.value.detail


@pytest.mark.parametrize("kind", [MediaKind.JPEG, MediaKind.MP4])
def test_faces_are_lines_of_json(kind: MediaKind) -> None:
    for name in ("faces.jsonl", "faces.ndjson", "faces"):
        check_ending_of_faces(Path(name), kind)
    for name in ("faces.mp4", "faces.txt", "-"):
        with pytest.raises(Rejected, match=r"name the result \.jsonl"):
            check_ending_of_faces(Path(name), kind)


def test_the_faces_of_a_picture_are_one_line_which_is_json() -> None:
    check_ending_of_faces(Path("faces.json"), MediaKind.PNG)
    with pytest.raises(Rejected):
        check_ending_of_faces(Path("faces.json"), MediaKind.MP4)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("out.mp4", MP4, ""),
        ("out.mov", MOV, ""),
        ("out", MOV, ""),
        ("out.mkv", MP4, "is video/mp4, whatever"),
        ("out.mp4", MOV, "is video/quicktime, which takes the sound of its source, whatever"),
        ("out.mp4", b"no media", ""),
    ],
)
def test_a_video_that_is_not_what_its_name_says_is_noted(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert said in note_of(path)
    assert bool(said) == bool(note_of(path))
