"""A job as a user of the command line follows it."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from shared.model.errors import Unavailable
from visavis.cli.jobs import follow_job
from visavis.client import Client

if TYPE_CHECKING:
    from pathlib import Path


def follow(answers: Any, folder: Path) -> tuple[dict[str, Any], str]:
    """The job's document, and what was shown."""
    source = folder / "clip"
    source.write_bytes(b"a clip")
    console = Console(file=io.StringIO(), width=120, force_terminal=True)
    with Client(answers.url) as client:
        job = follow_job(client, source, "natural", "picture", console, folder / "out")
    return job, console.file.getvalue()


def test_the_finished_job_is_answered_and_its_frames_were_shown(answers: Any, tmp_path: Path) -> None:
    finished = answers.finish_job(frames=77)
    job, shown = follow(answers, tmp_path)
    assert job == finished
    assert "77 frames" in shown
    assert (tmp_path / "out").read_bytes() == b"the result"


def test_notes_are_shown(answers: Any, tmp_path: Path) -> None:
    answers.finish_job(warnings=["The file is cut off."])
    assert "Note: The file is cut off." in follow(answers, tmp_path)[1]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_job_without_a_result_is_an_error_that_says_why(answers: Any, tmp_path: Path, state: str) -> None:
    answers.finish_job(state=state)
    with pytest.raises(Unavailable, match=f"The job {state}"):
        follow(answers, tmp_path)
    assert not (tmp_path / "out").exists()
