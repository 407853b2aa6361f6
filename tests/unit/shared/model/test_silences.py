from __future__ import annotations

import pytest

from shared.model.live import look_subject
from shared.model.preparing import PrepareAsset
from shared.model.sessions import OpenSession, begin_subject
from shared.model.silences import unanswered


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        (begin_subject("host1"), "No render of the lane host1 answers"),
        (look_subject("host1", "2"), "The render of the stream, of the lane host1, is silent"),
        (OpenSession.SUBJECT, "No lane answers"),
        (PrepareAsset.SUBJECT, "No lane answers"),
    ],
)
def test_a_client_hears_of_no_subject(subject: str, said: str) -> None:
    assert unanswered(subject) == said


@pytest.mark.parametrize("subject", ["$JS.API.STREAM.PURGE.jobs", "lane.host1.end.2", "lane", "lane.host1"])
def test_what_is_between_services_is_said_as_it_is(subject: str) -> None:
    assert unanswered(subject) == f"Nobody answers on {subject}"
