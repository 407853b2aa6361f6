from __future__ import annotations

from typing import TYPE_CHECKING

from structlog.testing import CapturingLogger

from services.render import measuring
from services.render.measuring import RenderMeasures
from shared.model.jobs import Want
from shared.model.live import LiveCodec, LiveSettings
from shared.model.looks import Look
from shared.model.media import MediaKind, StillFacts
from shared.model.pictures import Geometry, PixelFormat
from shared.model.sessions import BeginSession
from tests.scrapes import samples, value

if TYPE_CHECKING:
    import pytest

    from shared.runtime.metrics import Metrics

FACTS = StillFacts(geometry=Geometry(PixelFormat.RGB24, 32, 24), kind=MediaKind.JPEG)
LIVE = LiveSettings(input=None, look=Look())


def begun(job: str = "", live: LiveSettings | None = None) -> BeginSession:
    return BeginSession(session="s", epoch=1, want=Want.PICTURE, look=Look(), facts=FACTS, job=job, live=live)


def test_sessions_are_shown_by_their_kind(metrics: Metrics) -> None:
    measures = RenderMeasures(metrics)
    measures.own([begun("j"), begun("j"), begun(live=LIVE)])
    assert {one.labels["kind"]: one.value for one in samples(metrics, "visavis_sessions")} == {
        "still": 0,
        "job": 2,
        "live": 1,
    }
    measures.own([begun()])
    assert [value(metrics, "visavis_sessions", kind=kind) for kind in ("still", "job", "live")] == [1, 0, 0]


def test_a_codec_is_the_same_however_it_is_told(metrics: Metrics) -> None:
    measures = RenderMeasures(metrics)
    measures.encoded("h264", 0.004, "cpu")
    measures.encoded(LiveCodec.H264, 0.004, "cpu")
    assert [one.value for one in samples(metrics, "visavis_encode_duration_seconds_count")] == [2]


def test_encoding_is_measured_by_codec_and_encoder(metrics: Metrics) -> None:
    measures = RenderMeasures(metrics)
    measures.encoded("h264", 0.004, "cpu")
    measures.encoded("h264", 0.5, "nvenc")
    measures.encoded("jpeg", 0.25, "cpu")
    assert value(metrics, "visavis_encode_duration_seconds_sum", codec="jpeg") == 0.25
    assert value(metrics, "visavis_encode_duration_seconds_sum", codec="h264", encoder="nvenc") == 0.5
    assert value(metrics, "visavis_encode_duration_seconds_count") == 3


def test_a_segment_that_failed_has_failed_on_some_frame(metrics: Metrics) -> None:
    measures = RenderMeasures(metrics)
    measures.job_failed(0, "internal")
    measures.job_failed(7, "internal")
    measures.job_delivered(25)
    assert value(metrics, "visavis_frames_total", outcome="failed", reason="internal", where="render") == 8
    assert value(metrics, "visavis_frames_total", kind="job", outcome="delivered") == 25


def test_what_is_said_of_a_sessions_frames_on_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(measuring, "log", log)
    measuring.tell_of_host("s", "No card.")
    assert [(call.args, call.kwargs) for call in log.calls] == [
        (("drawn on the host",), {"session": "s", "reason": "No card."})
    ]


def test_what_is_said_of_a_session_that_the_cpu_encodes(monkeypatch: pytest.MonkeyPatch) -> None:
    log = CapturingLogger()
    monkeypatch.setattr(measuring, "log", log)
    measuring.tell_of_encoder("s", "Too many.")
    measuring.tell_of_no_encoder("too many")
    assert [(call.method_name, call.args, call.kwargs) for call in log.calls] == [
        ("warning", ("encoded by the CPU",), {"session": "s", "reason": "Too many."}),
        ("warning", ("no encoder for a job",), {"reason": "too many"}),
    ]
