"""`visavis analyze` against a service that answers as the test says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from visavis.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def test_the_faces_of_a_picture_are_one_line_of_json(answers: Any, tmp_path: Path) -> None:
    faces = {"frame": 0, "pts_seconds": 0.0, "width": 4, "height": 3, "faces": []}
    answers.give("/v1/analyses", faces)
    source, target = tmp_path / "picture", tmp_path / "faces.jsonl"
    source.write_bytes(b"\xff\xd8\xff and so on")
    assert main(["analyze", str(source), "--out", str(target), "--server", answers.url]) == 0
    [line] = target.read_text().splitlines()
    assert json.loads(line) == faces


def test_the_models_that_are_named_are_asked_for(answers: Any, tmp_path: Path) -> None:
    answers.give("/v1/analyses", {"faces": []})
    answers.finish_job()
    source, target = tmp_path / "source", tmp_path / "faces.jsonl"
    for body in (b"\xff\xd8\xff a picture", b"\x1a\x45\xdf\xa3 webm and so on"):
        source.write_bytes(body)
        asked = ["analyze", str(source), "--out", str(target), "--detector", "yunet", "--server", answers.url]
        assert main(asked) == 0
    (path, _, _), (_, _, form), *_ = answers.asked
    assert path == "/v1/analyses?detector=yunet"
    assert b'name="detector"\r\n\r\nyunet' in form


def test_faces_are_not_written_under_another_name(
    answers: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "picture"
    source.write_bytes(b"\xff\xd8\xff and so on")
    assert main(["analyze", str(source), "--out", str(tmp_path / "faces.txt"), "--server", answers.url]) == 1
    assert ".jsonl" in capsys.readouterr().err
    assert answers.asked == []


def test_the_faces_of_a_video_are_the_result_of_a_job(answers: Any, tmp_path: Path) -> None:
    answers.finish_job()
    source, target = tmp_path / "clip", tmp_path / "faces.jsonl"
    source.write_bytes(b"\x1a\x45\xdf\xa3 webm and so on")
    assert main(["analyze", str(source), "--out", str(target), "--server", answers.url]) == 0
    assert target.read_bytes() == b"the result"
    _, _, body = answers.asked[0]
    assert b"faces" in body
