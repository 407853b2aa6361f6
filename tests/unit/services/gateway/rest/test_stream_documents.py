"""How a stream is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from services.gateway.rest.stream_documents import EXAMPLE, StreamDocument
from services.gateway.streams.run import StreamRun, StreamState
from services.gateway.streams.wishes import StreamWish
from shared.model.live import HlsOutput, LiveOutput, Place, Reason, RtmpOutput
from shared.model.looks import Look
from shared.model.offers import ModelChoice

if TYPE_CHECKING:
    from services.gateway.parts import Parts

WISH = StreamWish(
    source="https://user:secret@live.example.org/secret.m3u8",
    look=Look(smooth=0.5),
    models=ModelChoice(),
    outputs=(RtmpOutput(url="rtmps://push.example.org/app/secret"),),
    encoding=LiveOutput(),
    max_delay_ms=500,
)


def test_the_example_is_a_document() -> None:
    assert StreamDocument.model_validate(EXAMPLE).model_dump(mode="json") == EXAMPLE


def test_a_stream_is_shown_without_what_is_secret(parts: Parts) -> None:
    run = StreamRun("s" * 20, WISH, parts.live, "0" * 32)
    shown = StreamDocument.of(run)
    assert "secret" not in shown.model_dump_json()
    assert (shown.source, shown.video, shown.problem) == ("https://live.example.org", None, None)
    assert shown.links == {"self": f"/v1/streams/{run.name}", "events": f"/v1/streams/{run.name}/events"}


def test_why_it_failed_and_what_was_dropped_are_shown(parts: Parts) -> None:
    run = StreamRun("s" * 20, WISH, parts.live, "0" * 32)
    run.account.reach(2)
    run.account.drop((0, 1), Place.DETECT, Reason.LATE)
    run.fail("source-refused", "It leads nowhere.")
    shown = StreamDocument.of(run)
    assert shown.state is StreamState.FAILED
    assert shown.problem is not None
    assert shown.problem.code == "source-refused"
    assert [(one.place, one.reason, one.count) for one in shown.account.dropped] == [("detect", "late", 2)]
    assert (shown.account.received, shown.account.under_way) == (3, 1)


def test_only_what_is_made_has_a_link(parts: Parts) -> None:
    run = StreamRun("s" * 20, msgspec.structs.replace(WISH, outputs=(HlsOutput(),)), parts.live, "0" * 32)
    assert set(StreamDocument.of(run).links) == {"self", "events", "hls"}
