"""`visavis assets` against a service that answers as the test says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from visavis.cli import main

if TYPE_CHECKING:
    from pathlib import Path

FACTS = {"id": "0f343b0931126a20f133d67c2b018a3b", "kind": "lut", "size": 33}


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / name for name in ("hat.png", "warm [1].cube")]
    for path in paths:
        path.write_text(path.name)
    return [str(path) for path in paths]


def test_the_id_of_each_file_is_printed(answers: Any, files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answers.give("/v1/assets", FACTS, status=201)
    assert main(["assets", "add", *files, "--server", answers.url]) == 0
    assert capsys.readouterr().out.splitlines() == [FACTS["id"]] * 2
    assert [(path, body) for path, _, body in answers.asked] == [
        ("/v1/assets", b"hat.png"),
        ("/v1/assets", b"warm [1].cube"),
    ]


def test_a_refused_file_is_named(answers: Any, files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"code": "damaged-media", "detail": "Line 3: that is no row."}
    answers.give("/v1/assets", problem, status=422, kind="application/problem+json")
    assert main(["assets", "add", files[1], "--server", answers.url]) == 1
    assert capsys.readouterr().err == f"visavis: {files[1]}: Line 3: that is no row.\n"


def test_a_file_that_is_not_there_is_one_sentence(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assets", "add", "nowhere.png", "--server", answers.url]) == 1
    assert capsys.readouterr().err == "visavis: nowhere.png: No such file or directory.\n"


def test_what_an_asset_is_is_shown_as_json(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    answers.give(f"/v1/assets/{FACTS['id']}", FACTS)
    assert main(["assets", "show", str(FACTS["id"]), "--server", answers.url]) == 0
    assert json.loads(capsys.readouterr().out) == FACTS


def test_an_asset_is_removed(answers: Any) -> None:
    answers.give("/v1/assets/a", b"", status=204)
    assert main(["assets", "remove", "a", "--server", answers.url]) == 0
    assert [path for path, _, _ in answers.asked] == ["/v1/assets/a"]


@pytest.mark.parametrize("word", ["show", "remove"])
def test_an_unknown_asset_is_one_sentence(answers: Any, capsys: pytest.CaptureFixture[str], word: str) -> None:
    problem = {"code": "unknown-asset", "detail": "There is no asset a."}
    answers.give("/v1/assets/a", problem, status=404, kind="application/problem+json")
    assert main(["assets", word, "a", "--server", answers.url]) == 1
    assert capsys.readouterr().err == "visavis: There is no asset a.\n"


def test_a_service_that_is_not_there_is_one_sentence(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["assets", "add", *files, "--server", "127.0.0.1:9"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("visavis: http://127.0.0.1:9 did not answer")


def test_a_key_is_sent(answers: Any, files: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_KEY", "vv_mine")
    answers.give("/v1/assets", FACTS, status=201)
    assert main(["assets", "add", files[0], "--server", answers.url]) == 0
    assert answers.asked[0][1]["authorization"] == "Bearer vv_mine"
