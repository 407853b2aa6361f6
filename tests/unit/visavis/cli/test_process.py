"""`visavis process` against a service that answers as the test says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.model.errors import Rejected
from shared.model.media import MediaKind
from visavis.cli import main
from visavis.cli.process import kind_of

if TYPE_CHECKING:
    from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n and so on"
CLIP = b"\0\0\0\x18ftypisom and so on"


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "a picture named.mp4"
    path.write_bytes(PNG)
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    path = tmp_path / "clip"
    path.write_bytes(CLIP)
    return path


@pytest.mark.parametrize(
    ("name", "accept"), [("out.jpg", "image/jpeg"), ("out.WEBP", "image/webp"), ("out", "image/png")]
)
def test_a_picture_is_asked_for_in_the_format_of_the_outputs_name(
    answers: Any, picture: Path, tmp_path: Path, name: str, accept: str
) -> None:
    answers.give("/v1/images", b"retouched", kind=accept)
    assert main(["process", str(picture), str(tmp_path / name), "--server", answers.url]) == 0
    [(_, headers, body)] = answers.asked
    assert (headers["accept"], body) == (accept, PNG)
    assert (tmp_path / name).read_bytes() == b"retouched"


def test_a_video_is_a_job_whose_result_is_fetched(answers: Any, clip: Path, tmp_path: Path) -> None:
    answers.finish_job()
    assert main(["process", str(clip), str(tmp_path / "out.mp4"), "--look", "natural", "--server", answers.url]) == 0
    assert (tmp_path / "out.mp4").read_bytes() == b"the result"
    path, _, body = answers.asked[0]
    assert path == "/v1/jobs"
    assert CLIP in body
    assert b"natural" in body


@pytest.mark.parametrize(("want", "name"), [("picture", "out.webm"), ("picture", "out.txt"), ("faces", "out.mp4")])
def test_a_result_is_not_written_under_another_name(
    answers: Any, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], want: str, name: str
) -> None:
    target = tmp_path / name
    assert main(["process", str(clip), str(target), "--want", want, "--server", answers.url]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.endswith(f"not {target}.")
    assert answers.asked == []


def test_a_video_that_is_not_what_its_name_says_is_noted(
    answers: Any, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.finish_job()
    answers.give("/v1/jobs/j/result", CLIP, kind="video/mp4")
    assert main(["process", str(clip), str(tmp_path / "out.mkv"), "--server", answers.url]) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "Note:" in said
    assert "is video/mp4, whatever its name says." in said


def test_a_look_in_a_file_is_sent_as_it_stands_there(answers: Any, picture: Path, tmp_path: Path) -> None:
    answers.give("/v1/images", b"retouched", kind="image/png")
    look = tmp_path / "look.json"
    look.write_text('{"smooth":0.5}')
    assert main(["process", str(picture), str(tmp_path / "out"), "--look", f"@{look}", "--server", answers.url]) == 0
    assert "look=%7B%22smooth%22%3A0.5%7D" in answers.asked[0][0]


def test_the_models_that_are_named_are_asked_for(answers: Any, picture: Path, clip: Path, tmp_path: Path) -> None:
    answers.give("/v1/images", b"retouched", kind="image/png")
    answers.finish_job()
    models = ["--detector", "scrfd-500m", "--landmarks", "keypoints", "--server", answers.url]
    for source in (picture, clip):
        assert main(["process", str(source), str(tmp_path / "out"), *models]) == 0
    (path, _, _), (_, _, form), *_ = answers.asked
    assert "detector=scrfd-500m&landmarks=keypoints" in path
    assert b'name="detector"\r\n\r\nscrfd-500m' in form
    assert b'name="landmarks"\r\n\r\nkeypoints' in form


def test_who_is_called_back_is_asked_for(answers: Any, clip: Path, tmp_path: Path) -> None:
    answers.finish_job()
    called = ["--callback", "https://example.org/hook", "--server", answers.url]
    assert main(["process", str(clip), str(tmp_path / "out"), *called]) == 0
    assert b'name="callback"\r\n\r\nhttps://example.org/hook' in answers.asked[0][2]


@pytest.mark.parametrize(("name", "more"), [("clip", []), ("picture", ["--server", "http://127.0.0.1:9"])])
def test_a_callback_that_nobody_would_make_is_refused_at_once(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, more: list[str]
) -> None:
    source = request.getfixturevalue(name)
    called = ["--callback", "https://example.org/hook", *more]
    assert main(["process", str(source), str(tmp_path / "out"), *called]) == 1
    assert ("--server" if name == "clip" else "picture") in capsys.readouterr().err


def test_what_is_damaged_in_a_video_is_said(
    answers: Any, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.finish_job(warnings=["The file is cut off."])
    assert main(["process", str(clip), str(tmp_path / "out"), "--server", answers.url]) == 0
    assert "The file is cut off." in capsys.readouterr().err


def test_a_job_that_failed_ends_with_its_reason_and_without_a_file(
    answers: Any, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.finish_job(state="failed", problem={"code": "too-long", "detail": "It lasts too long."})
    assert main(["process", str(clip), str(tmp_path / "out"), "--server", answers.url]) == 1
    assert "The job failed: It lasts too long." in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_problem_of_the_service_is_one_sentence(
    answers: Any, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    problem = {"code": "too-large", "detail": "Too many pixels (max_still_pixels)."}
    answers.give("/v1/images", problem, status=413, kind="application/problem+json")
    assert main(["process", str(picture), str(tmp_path / "out"), "--server", answers.url]) == 1
    assert capsys.readouterr().err == "visavis: Too many pixels (max_still_pixels).\n"


def test_a_service_that_is_not_there_is_one_sentence(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["process", str(picture), str(tmp_path / "out"), "--server", "http://127.0.0.1:9"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("visavis: http://127.0.0.1:9 did not answer")


@pytest.mark.parametrize(
    ("look", "said"), [("pretty", "There is no look 'pretty'"), ('{"smooth": 7}', "The look is not valid")]
)
def test_a_wrong_look_is_refused_before_anything_is_started(
    answers: Any, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], look: str, said: str
) -> None:
    assert main(["process", str(picture), str(tmp_path / "out"), "--look", look, "--server", answers.url]) == 1
    assert said in capsys.readouterr().err
    assert answers.asked == []


def test_effects_that_only_the_service_can_know_are_left_to_it(answers: Any, picture: Path, tmp_path: Path) -> None:
    answers.give("/v1/images", b"retouched", kind="image/png")
    look = '{"smooth": 0.5, "freckles": {"density": "many"}}'
    assert main(["process", str(picture), str(tmp_path / "out"), "--look", look, "--server", answers.url]) == 0
    [(path, _, _)] = answers.asked
    assert "freckles" in path


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["process", str(tmp_path / "missing"), "out"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "missing" in line


def test_the_kind_is_told_by_the_bytes_and_not_by_the_name(picture: Path) -> None:
    assert kind_of(picture) is MediaKind.PNG


def test_a_text_is_refused_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_text("no video")
    with pytest.raises(Rejected, match="video/mp4"):
        kind_of(path)


def test_the_faces_are_asked_for_where_they_are_wanted(answers: Any, picture: Path, clip: Path, tmp_path: Path) -> None:
    answers.give("/v1/analyses", {"frame": 0, "faces": []})
    answers.finish_job()
    for source, name in ((picture, "one.jsonl"), (clip, "many.jsonl")):
        words = ["process", str(source), str(tmp_path / name), "--want", "faces", "--server", answers.url]
        assert main(words) == 0
    assert (tmp_path / "one.jsonl").read_text() == '{"frame": 0, "faces": []}\n'
    assert b'name="want"\r\n\r\nfaces' in answers.asked[1][2]
