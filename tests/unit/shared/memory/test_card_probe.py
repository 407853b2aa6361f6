"""Two processes try whether they can share a card's memory."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from shared.cuda.card import NO_CARD
from shared.memory import card_probe
from shared.model.obstacles import Obstacle, WhyNot
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


def test_an_event_that_does_not_come_is_said(tried: Callable[[str], str]) -> None:
    words = "from tests.cuda.file_memory import FileEvent\ncard_probe.EVENT_SECONDS = 0.05\n"
    assert "does not come in another" in tried(words + "FileEvent.has_come = lambda _: False")


def test_what_is_not_seen_of_the_other_process_is_said(tried: Callable[[str], str]) -> None:
    assert "is not seen here" in tried("EmulatedCard.copy = lambda *_: None")


def test_a_process_that_ends_without_a_word_is_said(tried: Callable[[str], str]) -> None:
    assert "ended without a word" in tried("import os; os._exit(1)")


def test_a_program_that_cannot_be_started_is_said(tmp_path: Path) -> None:
    said = card_probe.tried(FileMemory(tmp_path), EmulatedCard(), [str(tmp_path / "nothing")])
    assert "did not answer" in said


@pytest.mark.parametrize(
    ("words", "said", "word"),
    [
        ("exit 0", "", ""),
        ("printf 'It is not passed on.'", "It is not passed on.", "not-shared"),
        ("echo 'It breaks.' >&2; exit 1", "It breaks.", "not-shared"),
        (f"echo 'None: {NO_CARD}.' >&2; exit 1", f"None: {NO_CARD}.", "no-card"),
    ],
)
def test_another_process_tries_a_card_and_what_it_says_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str, said: str, word: str
) -> None:
    program = tmp_path / "python"
    program.write_text(f'#!/bin/sh\n[ "$*" = "-m shared.memory.card_probe 2" ] || exit 9\n{words}\n')
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    found = card_probe.why_not(2)
    assert found == (WhyNot(Obstacle(word), said) if said else None)


def test_what_cannot_be_started_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)
    why_not = card_probe.why_not(0)
    assert why_not is not None
    assert why_not.obstacle is Obstacle.NOT_SHARED
    assert "did not answer" in why_not.sentence


@pytest.mark.skipif(not MISSING, reason="there is a card")
def test_a_process_without_a_card_says_so() -> None:
    why_not = card_probe.why_not(0)
    assert why_not is not None
    assert why_not.sentence.endswith(".")
    command = [sys.executable, "-m", card_probe.MODULE, "0"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert told.returncode == 1
    assert "The card 0 cannot be used" in told.stderr


@pytest.mark.gpu
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_on_a_card_two_processes_share_its_memory() -> None:
    assert card_probe.why_not(0) is None
