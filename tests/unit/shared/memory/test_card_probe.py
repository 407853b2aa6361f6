"""Two processes try whether they can share a card's memory."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.memory import card_probe
from tests.cuda.devices import MISSING
from tests.cuda.emulated import EmulatedCard
from tests.cuda.file_memory import FileMemory

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[4]
OTHER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from shared.memory import card_probe
from tests.cuda.emulated import EmulatedCard
from tests.cuda.file_memory import FileMemory
{before}
card_probe.answer(FileMemory(Path({folder!r})), EmulatedCard(), *sys.argv[1:])
"""
Try = "Callable[[str], str]"


@pytest.fixture
def tried(tmp_path: Path) -> Callable[[str], str]:
    """Says why not, where the other process has these words in it."""

    def with_words(before: str, folder: Path = tmp_path) -> str:
        words = OTHER.format(root=str(ROOT), folder=str(folder), before=before)
        said = card_probe.tried(FileMemory(tmp_path), EmulatedCard(), [sys.executable, "-c", words])
        assert not list(tmp_path.iterdir()), "what was tried with was left"
        return said

    return with_words


def test_where_it_works_nothing_is_said(tried: Callable[[str], str]) -> None:
    assert tried("") == ""


def test_what_the_other_process_cannot_open_is_said_in_its_words(tried: Callable[[str], str]) -> None:
    assert tried("FileMemory._found = lambda self, handle: Path('/nowhere')").startswith("FileNotFoundError")
    refused = "import shared.model.errors as e\ndef no(*_): raise e.Unavailable('It is not passed on.')\n"
    assert tried(refused + "FileMemory.open = no") == "It is not passed on."


def test_what_the_other_process_does_not_see_is_said(tried: Callable[[str], str]) -> None:
    assert "is not seen by another process" in tried("card_probe._QUESTION = card_probe._QUESTION + 1")


def test_what_is_not_seen_of_the_other_process_is_said(tried: Callable[[str], str]) -> None:
    assert "is not seen here" in tried("EmulatedCard.copy = lambda *_: None")


def test_a_process_that_ends_without_a_word_is_said(tried: Callable[[str], str]) -> None:
    assert "ended without a word" in tried("import os; os._exit(1)")


def test_a_program_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    said = card_probe.tried(FileMemory(tmp_path), EmulatedCard(), [str(tmp_path / "nothing")])
    assert "did not answer" in said


@pytest.mark.skipif(not MISSING, reason="there is a card")
def test_without_a_card_it_is_said_at_once_and_cuda_is_not_touched(capsys: pytest.CaptureFixture[str]) -> None:
    assert card_probe.why_not(0).endswith(".")
    card_probe.main("0")
    assert capsys.readouterr().out == card_probe.why_not(0)


@pytest.mark.gpu
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_on_a_card_two_processes_share_its_memory() -> None:
    assert card_probe.why_not(0) == ""
