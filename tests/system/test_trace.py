"""One trace for every request, with waited and worked apart."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from visavis.client import ProblemError
from visavis.stack import SERVICES

if TYPE_CHECKING:
    from pathlib import Path

    from visavis.client import Client
    from visavis.stack import Stack

PATIENCE_SECONDS = 10


def test_a_job_is_one_trace_across_all_services(client: Client, clip: Path) -> None:
    job = client.submit_job(clip, look="natural", want="picture")
    for newer in client.events(job["id"]):
        job = newer
    spans = _spans(client, job["trace_id"])
    assert {service for service, _ in spans} == {f"visavis-{name}" for name in SERVICES}
    names = {span["name"] for _, span in spans}
    assert {"detect.wait", "detect", "render.wait", "render", "ingest.wait", "ingest"} <= names
    assert {span["traceId"] for _, span in spans} == {job["trace_id"]}
    assert [row["hop"] for row in job["timings"]] == ["ingest", "detect", "render"]


def test_a_header_has_every_frame_of_a_job_traced(client: Client, stack: Stack, clip: Path) -> None:
    headers = {"X-Visavis-Trace": "1", "Content-Type": "video/x-matroska"}
    answer = httpx.post(f"{stack.rest}/v1/jobs?look=natural", content=clip.read_bytes(), headers=headers)
    assert (answer.status_code, answer.headers["X-Visavis-Trace"]) == (202, "1")
    for job in client.events(answer.json()["id"]):
        assert job["state"] != "failed"
    end = time.monotonic() + PATIENCE_SECONDS
    numbers: dict[str, list[int]] = {}
    while any(len(numbers.get(name, ())) < 48 for name in ("decode", "detect", "render")):
        assert time.monotonic() < end, numbers
        numbers = {}
        for _, span in _spans(client, answer.headers["X-Visavis-Trace-Id"]):
            facts = {one["key"]: one["value"].get("intValue") for one in span.get("attributes", ())}
            if "visavis.frame" in facts:
                assert facts["visavis.frames"] == "1"
                numbers.setdefault(span["name"], []).append(int(facts["visavis.frame"]))
    assert all(sorted(found) == list(range(48)) for found in numbers.values())


def test_a_job_whose_upload_is_broken_is_found_among_the_failures(client: Client, stack: Stack) -> None:
    answer = httpx.post(f"{stack.rest}/v1/jobs", content=bytes.fromhex("1a45dfa3") + b"no video" * 99, timeout=60)
    job = answer.json()["id"]
    *_, last = client.events(job)
    assert last["state"] == "failed"
    end = time.monotonic() + PATIENCE_SECONDS
    while not (found := httpx.get(f"{stack.rest}/v1/traces?state=error&id={job}").json()["traces"]):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert found[0]["trace_id"] == answer.headers["X-Visavis-Trace-Id"]


def test_a_picture_is_one_trace_and_its_spans_hang_together(client: Client, stack: Stack, portrait: bytes) -> None:
    answer = httpx.post(f"{stack.rest}/v1/images", content=portrait, headers={"Content-Type": "image/jpeg"})
    spans = [span for _, span in _spans(client, answer.headers["X-Visavis-Trace-Id"])]
    ids = {span["spanId"] for span in spans}
    roots = [span for span in spans if span.get("parentSpanId", "") not in ids]
    assert len(roots) == 1, [span["name"] for span in roots]


def test_a_trace_that_a_client_began_goes_on(client: Client, stack: Stack, portrait: bytes) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"Content-Type": "image/jpeg", "traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    assert httpx.post(f"{stack.rest}/v1/images", content=portrait, headers=headers).status_code == 200
    assert _spans(client, trace_id, began="b7ad6b7169203331")


def _spans(client: Client, trace_id: str, began: str = "") -> list[tuple[str, dict[str, Any]]]:
    """All spans of a trace with their service, once every service and every span's parent is there."""
    end = time.monotonic() + PATIENCE_SECONDS
    found: list[tuple[str, dict[str, Any]]] = []
    while time.monotonic() < end:
        try:
            trace = client.trace(trace_id)
        except ProblemError:
            trace = {}
        found = [
            (attribute["value"]["stringValue"], span)
            for part in trace.get("resourceSpans", ())
            for attribute in part["resource"]["attributes"]
            if attribute["key"] == "service.name"
            for scope in part["scopeSpans"]
            for span in scope["spans"]
        ]
        known = {began, "", *(span["spanId"] for _, span in found)}
        if {service for service, _ in found} >= {f"visavis-{name}" for name in SERVICES} and all(
            span.get("parentSpanId", "") in known for _, span in found
        ):
            return found
        time.sleep(0.2)
    pytest.fail(f"the trace {trace_id} did not become whole: {[(s, span['name']) for s, span in found]}")
