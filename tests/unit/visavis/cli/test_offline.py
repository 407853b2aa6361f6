"""`visavis process --offline`: what is refused, and that nothing is asked of anybody."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from visavis.cli import main
from visavis.sample import portrait_jpeg

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "portrait.jpg"
    path.write_bytes(portrait_jpeg())
    return path


def test_a_picture_is_retouched_and_its_faces_are_told(picture: Path, tmp_path: Path) -> None:
    assert main(["process", "--offline", str(picture), str(tmp_path / "out.webp"), "--look", "natural"]) == 0
    with Image.open(tmp_path / "out.webp") as made:
        assert made.format == "WEBP"
    assert main(["process", "--offline", str(picture), str(tmp_path / "faces.jsonl"), "--want", "faces"]) == 0
    assert len(json.loads((tmp_path / "faces.jsonl").read_text())["faces"]) == 1


def test_a_server_has_no_part_in_it(
    answers: Any, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["process", "--offline", str(picture), str(tmp_path / "out.png"), "--server", answers.url]
    assert main(words) == 1
    assert "--offline" in capsys.readouterr().err
    assert answers.asked == []


def test_what_is_wrong_with_the_file_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n and so on")
    assert main(["process", "--offline", str(broken), str(tmp_path / "out.png")]) == 1
    assert "visavis: The picture is cut off or damaged" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()
