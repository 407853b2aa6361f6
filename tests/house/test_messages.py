"""The table of messages in ARCHITECTURE.md and the messages in shared/model are the same."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import msgspec
import pytest

from shared.transport.topology import keeper

PAGE = Path(__file__).parents[2] / "ARCHITECTURE.md"
MODULES = ("callbacks", "frames", "jobs", "live", "preparing", "sessions")
Rows = dict[str, str]


@pytest.fixture
def table() -> Rows:
    """Subjects by message."""
    page = PAGE.read_text() if PAGE.exists() else ""
    marked = re.search(r"<!-- messages -->\n(.*?)<!-- /messages -->", page, re.DOTALL)
    if not marked:
        pytest.skip("ARCHITECTURE.md has no table of messages.")
    cells = [[cell.strip() for cell in line.strip("|\n ").split("|")] for line in marked[1].splitlines()[2:]]
    return {message: subject for message, subject, _ in cells}


def messages() -> dict[str, type[msgspec.Struct]]:
    """What is tagged travels by itself; everything else is a part of something."""
    found = {}
    for module in MODULES:
        for name, kind in vars(importlib.import_module(f"shared.model.{module}")).items():
            is_struct = isinstance(kind, type) and issubclass(kind, msgspec.Struct) and not name.startswith("_")
            if is_struct and kind.__module__.endswith(f".{module}") and kind.__struct_config__.tag_field == "type":
                found[name] = kind
    return found


def test_the_table_names_every_message_and_no_other(table: Rows) -> None:
    assert set(table) == set(messages())


def test_every_message_says_in_a_sentence_what_it_means() -> None:
    assert not [name for name, kind in messages().items() if not (kind.__doc__ or "").strip().endswith(".")]


def test_no_two_messages_have_the_same_tag() -> None:
    tags = [kind.__struct_config__.tag for kind in messages().values()]
    assert len(tags) == len(set(tags))


def test_a_message_goes_where_the_table_says(table: Rows) -> None:
    for name, kind in messages().items():
        said = set(re.findall(r"`([^`]+)`", table[name]))
        subject = getattr(kind, "SUBJECT", None)
        property_ = getattr(kind, "subject", None)
        documented = property_.__doc__ if isinstance(property_, property) else None
        if subject:
            assert said == {subject}, name
        if documented:
            assert said == set(re.findall(r"`([^`]+)`", documented)), name


@pytest.mark.parametrize(
    "name", ["FramesCaptured", "FacesDetected", "FramesEnded", "SegmentRequested", "JobDone", "CallbackDue"]
)
def test_what_is_published_is_kept_by_a_stream(table: Rows, name: str) -> None:
    subject = re.sub(r"<\w+>", "x", re.findall(r"`([^`]+)`", table[name])[0])
    assert keeper(subject)
