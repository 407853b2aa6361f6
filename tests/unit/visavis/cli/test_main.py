"""visavis/cli/__init__.py: the words and the exit status."""

from __future__ import annotations

import pytest

from shared.model.errors import Misconfigured
from visavis.cli import COMMANDS, doctor, main
from visavis.client import ProblemError


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    said = capsys.readouterr().out
    for command in COMMANDS:
        assert command.__name__.rpartition(".")[2] in said


@pytest.mark.parametrize("words", [[], ["dance"], ["process"], ["analyze", "in"]])
def test_wrong_words_end_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: visavis" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status"), [(Misconfigured("Do this."), 1), (OSError("Disk full."), 1), (KeyboardInterrupt(), 130)]
)
def test_an_error_is_a_sentence_and_a_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, status: int
) -> None:
    def fail(_: object) -> int:
        raise error

    monkeypatch.setattr(doctor, "run", fail)
    assert main(["doctor"]) == status
    assert capsys.readouterr().err == (f"visavis: {error}\n" if status == 1 else "")


def test_a_wrong_variable_of_the_command_line_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISAVIS_LANE_CORES", "many")
    assert main(["looks", "list"]) == 1
    assert capsys.readouterr().err.startswith("visavis: VISAVIS_LANE_CORES=many: ")


def test_help_is_had_whatever_variables_are_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VISAVIS_LANE_CORES", "many")
    monkeypatch.setenv("VISAVIS_CARD", "first")
    for words in (["--help"], ["up", "--help"], ["keys", "list", "--help"]):
        with pytest.raises(SystemExit, match="0"):
            main(words)
        assert "usage: visavis" in capsys.readouterr().out


def test_whoever_lacks_a_key_is_told_how_to_name_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> int:
        raise ProblemError("unauthenticated", "Send a key.", 401)

    monkeypatch.setattr(doctor, "run", fail)
    assert main(["doctor"]) == 1
    assert "VISAVIS_KEY" in capsys.readouterr().err
