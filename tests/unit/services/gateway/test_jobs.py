"""Videos over REST."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from shared.model.jobs import (
    JobCancelled,
    JobDone,
    JobEvent,
    JobProgressed,
    JobRecord,
    JobRequested,
    JobState,
    Part,
    Problem,
    Want,
    part_key,
    result_key,
    source_key,
)
from shared.model.looks import Look
from shared.model.media import MediaKind
from shared.model.offers import ModelChoice
from shared.transport import wire
from shared.transport.ledger import JobLedger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import httpx

    from services.gateway.parts import Parts
    from shared.testing import MemoryBus
    from shared.transport.store import ObjectStore

MP4 = b"\0\0\0\x20ftypisom" + bytes(range(256)) * 400
UNKNOWN = "a" * 20


async def hand_in(client: httpx.AsyncClient, **fields: str) -> str:
    answer = await client.post("/v1/jobs", files={"file": ("clip.mp4", MP4)}, data=fields)
    assert answer.status_code == 202, answer.text
    job: str = answer.json()["id"]
    return job


async def set_state(store: ObjectStore, job: str, **changes: Any) -> JobRecord:
    return await JobLedger(store).change(job, lambda record: msgspec.structs.replace(record, **changes))


async def finish(store: ObjectStore, job: str, body: bytes = bytes(range(100))) -> JobRecord:
    await store.put(result_key(job), body)
    return await set_state(
        store, job, state=JobState.DONE, frames=8, result_type="video/mp4", result_bytes=len(body), attempt=1
    )


def files_in(tmp_path: Path) -> list[str]:
    return [str(path) for path in (tmp_path / "objects").rglob("*") if path.is_file()]


async def test_a_job_is_stored_entered_and_asked_for(
    client: httpx.AsyncClient, store: ObjectStore, bus: MemoryBus
) -> None:
    answer = await client.post("/v1/jobs", data={"want": "faces", "look": '{"smooth": 0.5}'}, files={"file": MP4})
    document = answer.json()
    job = document["id"]
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/jobs/{job}")
    assert (document["state"], document["want"], document["source"]) == ("accepted", "faces", "video/mp4")
    assert document["trace_id"] == answer.headers["x-visavis-trace-id"]
    assert await store.get(source_key(job)) == MP4
    record = await JobLedger(store).read(job)
    assert (record.want, record.look, record.segments) == (Want.FACES, Look(smooth=0.5), 0)
    [asked] = bus.kept("jobs.plan.*")
    assert wire.decode(asked.body, wire.decoder(JobRequested)) == JobRequested(job=job)
    assert document["trace_id"] in asked.headers["traceparent"]
    assert await JobLedger(store).open_jobs() == [job]


@pytest.mark.usefixtures("warm")
async def test_the_models_of_a_job_are_kept(client: httpx.AsyncClient, store: ObjectStore) -> None:
    job = await hand_in(client, detector="scrfd-500m", landmarks="keypoints", want="faces")
    models = ModelChoice(detector="scrfd-500m", landmarks="keypoints")
    assert (await JobLedger(store).read(job)).models == models
    document = (await client.get(f"/v1/jobs/{job}")).json()
    assert document["models"] == {"detector": "scrfd-500m", "landmarks": "keypoints"}


async def test_an_upload_is_not_lost_because_the_lane_starts_again_meanwhile(
    client: httpx.AsyncClient, parts: Parts, warm: None, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = iter([parts.presence.offers(), []])
    monkeypatch.setattr(parts.presence, "offers", lambda: next(heard))
    job = await hand_in(client, detector="scrfd-500m", want="faces")
    assert (await JobLedger(store).read(job)).models.detector == "scrfd-500m"


async def test_models_that_were_not_named_are_shown_as_null(client: httpx.AsyncClient) -> None:
    document = (await client.get(f"/v1/jobs/{await hand_in(client)}")).json()
    assert document["models"] == {"detector": None, "landmarks": None}


async def test_fields_may_follow_the_file(client: httpx.AsyncClient) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n' + MP4 + b"\r\n"
        b'--b\r\nContent-Disposition: form-data; name="want"\r\n\r\nfaces\r\n--b--\r\n'
    )
    answer = await client.post("/v1/jobs", content=form, headers={"content-type": "multipart/form-data; boundary=b"})
    assert answer.json()["want"] == "faces"


@pytest.mark.parametrize(
    ("body", "fields", "status", "code"),
    [
        (b"", {}, 400, "empty"),
        (b"text renamed", {}, 415, "unsupported-media"),
        (b"\xff\xd8\xff a picture", {}, 415, "unsupported-media"),
        (MP4 * 3, {}, 413, "too-large"),
        (MP4, {"look": "pretty"}, 422, "invalid-look"),
        (MP4, {"want": "money"}, 422, "invalid-parameter"),
        (MP4, {"detectr": "blazeface"}, 422, "invalid-parameter"),
        (MP4, {"detector": "scrfd"}, 422, "unknown-model"),
        (MP4, {"detector": "scrfd-500m", "landmarks": "keypoints"}, 422, "unsupported-look"),
        (MP4, {"look": '{"background": {"kind": "transparent"}}'}, 422, "unsupported-look"),
    ],
)
@pytest.mark.usefixtures("warm")
async def test_a_refused_job_leaves_nothing_behind(
    client: httpx.AsyncClient,
    bus: MemoryBus,
    tmp_path: Path,
    body: bytes,
    fields: dict[str, str],
    status: int,
    code: str,
) -> None:
    answer = await client.post("/v1/jobs", files={"file": ("clip.mp4", body)}, data=fields)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert (files_in(tmp_path), bus.kept("jobs.plan.*")) == ([], [])


async def test_a_wrong_field_behind_the_file_removes_the_file(client: httpx.AsyncClient, tmp_path: Path) -> None:
    form = (
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + MP4 + b"\r\n"
        b'--b\r\nContent-Disposition: form-data; name="look"\r\n\r\n{"smooth": 7}\r\n--b--\r\n'
    )
    answer = await client.post("/v1/jobs", content=form, headers={"content-type": "multipart/form-data; boundary=b"})
    assert (answer.status_code, files_in(tmp_path)) == (422, [])


async def test_an_upload_without_its_end_leaves_nothing_behind(client: httpx.AsyncClient, tmp_path: Path) -> None:
    form = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + MP4
    answer = await client.post("/v1/jobs", content=form, headers={"content-type": "multipart/form-data; boundary=b"})
    assert (answer.status_code, answer.json()["code"], files_in(tmp_path)) == (400, "upload-cut-off", [])


async def test_without_a_bus_no_job_is_taken(client: httpx.AsyncClient, bus: MemoryBus, tmp_path: Path) -> None:
    bus.down = True
    answer = await client.post("/v1/jobs", files={"file": MP4})
    assert (answer.status_code, answer.json()["code"], files_in(tmp_path)) == (503, "unavailable", [])


@pytest.mark.parametrize("job", [UNKNOWN, "..", "A" * 20, "a" * 21, "%2e%2e%2fetc"])
@pytest.mark.parametrize("what", ["", "/events", "/result"])
async def test_an_unknown_job_is_not_found(client: httpx.AsyncClient, job: str, what: str) -> None:
    assert (await client.get(f"/v1/jobs/{job}{what}")).status_code == 404


async def test_progress_comes_from_the_newest_event(
    client: httpx.AsyncClient, bus: MemoryBus, store: ObjectStore
) -> None:
    job = await hand_in(client)
    part = Part(segment=0, attempt=2, owner="local/1")
    await set_state(store, job, state=JobState.RUNNING, segments=1, parts=(part,), frames_expected=120)
    for attempt, frames in ((2, 30), (1, 99)):
        event = JobProgressed(job=job, attempt=attempt, frames=frames, faces=frames, timings=())
        await bus.publish(event.subject, wire.encode(event))
        document = (await client.get(f"/v1/jobs/{job}")).json()
        expected = (30, 0.25) if attempt == 2 else (0, 0)  # what an older attempt says does not count
        assert (document["frames"], document["progress"]) == expected


async def test_a_failed_job_says_why(client: httpx.AsyncClient, store: ObjectStore) -> None:
    job = await hand_in(client)
    await set_state(store, job, state=JobState.FAILED, problem=Problem("no-video", "Only sound."))
    document = (await client.get(f"/v1/jobs/{job}")).json()
    assert (document["state"], document["problem"]) == ("failed", {"code": "no-video", "detail": "Only sound."})
    answer = await client.get(f"/v1/jobs/{job}/result")
    assert (answer.status_code, answer.json()["detail"], answer.json()["state"]) == (409, "Only sound.", "failed")


async def events_of(client: httpx.AsyncClient, job: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    async with client.stream("GET", f"/v1/jobs/{job}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        name = ""
        async for line in answer.aiter_lines():
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, json.loads(line[6:])


async def test_events_end_with_the_job(client: httpx.AsyncClient, bus: MemoryBus, store: ObjectStore) -> None:
    job = await hand_in(client)

    async def work() -> None:
        part = Part(segment=0, attempt=1, owner="local/1")
        await set_state(store, job, state=JobState.RUNNING, segments=1, parts=(part,), frames_expected=8)
        event: JobEvent = JobProgressed(job=job, attempt=1, frames=4, faces=4, timings=())
        await bus.publish(event.subject, wire.encode(event))
        await asyncio.sleep(0.15)  # longer than a keep-alive comment
        event = JobDone(job=job, record=await finish(store, job))
        await bus.publish(event.subject, wire.encode(event))

    working = asyncio.create_task(work())
    heard = [(name, one["state"], one["progress"]) async for name, one in events_of(client, job)]
    await working
    assert heard[-1] == ("done", "done", 1.0)
    assert ("progress", "running", 0.5) in heard


async def test_events_of_a_finished_job_are_its_last_one(client: httpx.AsyncClient, store: ObjectStore) -> None:
    job = await hand_in(client)
    await finish(store, job)
    assert [name async for name, _ in events_of(client, job)] == ["done"]


async def test_a_lost_event_does_not_keep_watchers_waiting(client: httpx.AsyncClient, store: ObjectStore) -> None:
    job = await hand_in(client)
    asyncio.get_running_loop().call_later(0.05, lambda: asyncio.ensure_future(finish(store, job)))
    assert [name async for name, _ in events_of(client, job)][-1] == "done"


async def test_a_result_is_not_there_before_the_job_is_done(client: httpx.AsyncClient) -> None:
    job = await hand_in(client)
    answer = await client.get(f"/v1/jobs/{job}/result")
    assert (answer.status_code, answer.json()["state"]) == (409, "accepted")


async def test_a_result_comes_as_a_whole(client: httpx.AsyncClient, store: ObjectStore) -> None:
    job = await hand_in(client)
    await finish(store, job)
    answer = await client.get(f"/v1/jobs/{job}/result")
    assert (answer.status_code, answer.content) == (200, bytes(range(100)))
    assert answer.headers["content-type"] == "video/mp4"
    assert answer.headers["content-disposition"] == f'attachment; filename="visavis-{job}.mp4"'
    again = await client.get(f"/v1/jobs/{job}/result", headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("asked", "body", "said"),
    [
        ("bytes=10-19", bytes(range(10, 20)), "bytes 10-19/100"),
        ("bytes=90-", bytes(range(90, 100)), "bytes 90-99/100"),
        ("bytes=-5", bytes(range(95, 100)), "bytes 95-99/100"),
    ],
)
async def test_a_result_comes_in_parts(
    client: httpx.AsyncClient, store: ObjectStore, asked: str, body: bytes, said: str
) -> None:
    job = await hand_in(client)
    await finish(store, job)
    address, headers = f"/v1/jobs/{job}/result", {"range": asked}
    answer = await client.get(address, headers=headers)
    assert (answer.status_code, answer.content, answer.headers["content-range"]) == (206, body, said)
    head = await client.head(address, headers=headers)
    assert (head.status_code, head.content, head.headers["content-length"]) == (206, b"", str(len(body)))
    stale = await client.get(address, headers={**headers, "if-range": '"another"'})
    assert (stale.status_code, len(stale.content)) == (200, 100)


async def test_a_range_outside_of_the_result_is_refused(client: httpx.AsyncClient, store: ObjectStore) -> None:
    job = await hand_in(client)
    await finish(store, job)
    answer = await client.get(f"/v1/jobs/{job}/result", headers={"range": "bytes=100-"})
    assert (answer.status_code, answer.headers["content-range"]) == (416, "bytes */100")


async def test_a_cancelled_job_stays_known_and_loses_its_media(
    client: httpx.AsyncClient, bus: MemoryBus, store: ObjectStore, tmp_path: Path
) -> None:
    job = await hand_in(client)
    await store.put(part_key(job, 0), b"part")
    await finish(store, job)
    assert (await client.delete(f"/v1/jobs/{job}")).status_code == 204
    assert [path.rpartition("/")[2] for path in files_in(tmp_path)] == ["cancelled", "job.json"]
    assert (await client.get(f"/v1/jobs/{job}")).json()["state"] == "cancelled"
    told = wire.decode(bus.kept(f"jobs.event.{job}.job")[-1].body, wire.decoder(JobEvent))
    assert told == JobCancelled(job=job)
    for again in (await client.delete(f"/v1/jobs/{job}"), await client.get(f"/v1/jobs/{job}/result")):
        assert (again.status_code, again.json()["code"]) == (410, "gone")
    assert [name async for name, _ in events_of(client, job)] == ["cancelled"]


async def test_a_gif_is_a_job(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/jobs", content=b"GIF89a" + bytes(50))
    assert answer.json()["source"] == MediaKind.GIF


async def test_who_sends_the_same_again_is_told_of_the_job_that_is_there(
    client: httpx.AsyncClient, store: ObjectStore, bus: MemoryBus
) -> None:
    headers = {"Idempotency-Key": "2f1c7a52-7f0e-4b1b"}
    first = await client.post("/v1/jobs", files={"file": MP4}, headers=headers)
    again = await client.post("/v1/jobs", content=b"another body, not read", headers=headers)
    other = await client.post("/v1/jobs", files={"file": MP4}, headers={"Idempotency-Key": "another-word"})
    assert [answer.status_code for answer in (first, again, other)] == [202, 202, 202]
    assert again.json() == first.json()
    assert other.json()["id"] != first.json()["id"]
    assert len(bus.kept("jobs.plan.*")) == 2


async def test_of_two_at_a_time_with_one_word_one_opens_the_job(client: httpx.AsyncClient, bus: MemoryBus) -> None:
    headers = {"Idempotency-Key": "twice at a time?".replace(" ", "-")}
    answers = await asyncio.gather(*(client.post("/v1/jobs", files={"file": MP4}, headers=headers) for _ in range(3)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(bus.kept("jobs.plan.*")) == 1


async def test_a_word_of_a_try_that_failed_can_be_used_again(client: httpx.AsyncClient, bus: MemoryBus) -> None:
    headers = {"Idempotency-Key": "failed-at-first"}
    bus.down = True
    assert (await client.post("/v1/jobs", files={"file": MP4}, headers=headers)).status_code == 503
    bus.down = False
    assert (await client.post("/v1/jobs", files={"file": MP4}, headers=headers)).status_code == 202


@pytest.mark.parametrize("word", ["short", "with a space in it", "x" * 256])
async def test_a_word_that_cannot_be_one_is_refused(client: httpx.AsyncClient, tmp_path: Path, word: str) -> None:
    answer = await client.post("/v1/jobs", files={"file": MP4}, headers={"Idempotency-Key": word})
    assert (answer.status_code, answer.json()["code"], files_in(tmp_path)) == (422, "invalid-parameter", [])
