"""Videos over REST."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from shared.model.callbacks import CallbackStanding, CallbackState, callback_key
from shared.model.errors import StorageFull
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
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    import httpx

    from services.gateway.parts import Parts
    from services.gateway.settings import GatewaySettings
    from shared.testing import MemoryBus
    from shared.transport.bus import Received
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
        (MP4, {"callback": "http://169.254.169.254/latest"}, 422, "callback-refused"),
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


def once_watched(bus: MemoryBus, monkeypatch: pytest.MonkeyPatch, happen: Callable[[], Awaitable[object]]) -> None:
    """Something happens when a watcher has been told how things stand and waits for events."""
    replay = bus.replay

    @asynccontextmanager
    async def and_then(subject: str) -> AsyncIterator[AsyncIterator[Received]]:
        async with replay(subject) as messages:
            await happen()
            yield messages

    monkeypatch.setattr(bus, "replay", and_then)


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


async def heard_by(client: httpx.AsyncClient, job: str, last: str) -> tuple[int, list[str]]:
    """The status, and the ids of what is told to somebody who comes back."""
    answer = await client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": last})
    return answer.status_code, [line[4:] for line in answer.text.splitlines() if line.startswith("id: ")]


async def test_who_comes_back_hears_what_is_newer_and_nothing_twice(
    client: httpx.AsyncClient, store: ObjectStore
) -> None:
    job = await hand_in(client)
    await finish(store, job)
    for last in ("0-0-accepted", "1-8-running", "7-99-running", "nonsense", ""):
        assert await heard_by(client, job, last) == (200, ["1-8-done"])


async def test_whoever_has_heard_the_end_is_told_to_come_no_more(client: httpx.AsyncClient, store: ObjectStore) -> None:
    job = await hand_in(client)
    await finish(store, job)
    assert await heard_by(client, job, "1-8-done") == (204, [])
    assert (await client.delete(f"/v1/jobs/{job}")).json()["state"] == "removed"
    assert await heard_by(client, job, "1-8-done") == (404, [])


async def test_a_state_that_was_heard_is_not_told_again_when_the_job_goes_on(
    client: httpx.AsyncClient, bus: MemoryBus, store: ObjectStore
) -> None:
    job = await hand_in(client)
    await set_state(store, job, state=JobState.RUNNING, attempt=1)
    part = Part(segment=0, attempt=1, owner="local/1")
    await set_state(store, job, state=JobState.RUNNING, segments=1, parts=(part,), frames_expected=8)
    event: JobEvent = JobProgressed(job=job, attempt=1, frames=4, faces=4, timings=())
    await bus.publish(event.subject, wire.encode(event))
    coming_back = asyncio.create_task(heard_by(client, job, "1-4-running"))
    event = JobDone(job=job, record=await finish(store, job))
    await bus.publish(event.subject, wire.encode(event))
    assert await coming_back == (200, ["1-8-done"])


async def test_a_callback_is_kept_and_shown_without_its_path(
    client: httpx.AsyncClient, store: ObjectStore, bus: MemoryBus
) -> None:
    job = await hand_in(client, callback="https://me:word@example.org/hook?token=1")
    assert (await JobLedger(store).read(job)).callback == "https://me:word@example.org/hook?token=1"
    found = await client.get(f"/v1/jobs/{job}")
    receiver = {"receiver": "https://example.org", "state": "pending", "tries": 0, "detail": None}
    assert found.json()["callback"] == receiver
    await finish(store, job)
    standing = CallbackStanding(state=CallbackState.FAILED, tries=3, detail="It is gone.")
    await store.put(callback_key(job), msgspec.json.encode(standing))
    told = {"receiver": "https://example.org", "state": "failed", "tries": 3, "detail": "It is gone."}
    assert (await client.get(f"/v1/jobs/{job}")).json()["callback"] == told
    assert [one["callback"] async for _, one in events_of(client, job)] == [told]
    assert "token" not in found.text


async def test_a_job_that_wants_no_callback_shows_none(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/v1/jobs/{await hand_in(client)}")).json()["callback"] is None


async def test_a_lost_event_does_not_keep_watchers_waiting(
    client: httpx.AsyncClient, store: ObjectStore, bus: MemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await hand_in(client)
    once_watched(bus, monkeypatch, lambda: finish(store, job))
    assert [name async for name, _ in events_of(client, job)] == ["progress", "done"]


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
    for known in (answer.headers["etag"], f'"another", W/{answer.headers["etag"]}', "*"):
        again = await client.get(f"/v1/jobs/{job}/result", headers={"if-none-match": known})
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
    answer = await client.delete(f"/v1/jobs/{job}")
    assert answer.status_code == 200
    assert answer.json() == {
        "id": job,
        "state": "cancelled",
        "removed": {"objects": 2, "requests": 1, "events": 0, "dead_letters": 0, "contexts": 0},
    }
    assert {path.rpartition("/")[2] for path in files_in(tmp_path)} == {"cancelled", "job.json", job}
    assert (await client.get(f"/v1/jobs/{job}")).json()["state"] == "cancelled"
    told = wire.decode(bus.kept(f"jobs.event.{job}.job")[-1].body, wire.decoder(JobEvent))
    assert told == JobCancelled(job=job)
    gone = await client.get(f"/v1/jobs/{job}/result")
    assert (gone.status_code, gone.json()["code"]) == (410, "gone")
    assert [name async for name, _ in events_of(client, job)] == ["cancelled"]


@pytest.mark.parametrize("cancelled_first", [False, True])
async def test_nothing_is_left_of_a_job_that_is_removed_after_its_end(
    client: httpx.AsyncClient, bus: MemoryBus, store: ObjectStore, tmp_path: Path, cancelled_first: bool
) -> None:
    job, other = await hand_in(client), await hand_in(client)
    if cancelled_first:
        await client.delete(f"/v1/jobs/{job}")
    else:
        event = JobDone(job=job, record=await finish(store, job))
        await bus.publish(event.subject, wire.encode(event))
    await bus.publish(f"dead.jobs.segment.{job}.0", b"given up")
    answer = await client.delete(f"/v1/jobs/{job}")
    assert (answer.status_code, answer.json()["state"]) == (200, "removed")
    removed = answer.json()["removed"]
    assert (removed["events"], removed["dead_letters"]) == (1, 1)
    assert removed["objects"] == (2 if cancelled_first else 3)
    assert not [path for path in files_in(tmp_path) if job in path]
    assert not [one for one in bus.kept(">") if job in one.subject]
    for again in (await client.delete(f"/v1/jobs/{job}"), await client.get(f"/v1/jobs/{job}")):
        assert (again.status_code, again.json()["code"]) == (404, "not-found")
    assert (await client.get(f"/v1/jobs/{other}")).json()["state"] == "accepted"


async def test_a_job_can_be_cancelled_where_the_store_is_full(
    client: httpx.AsyncClient, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await hand_in(client)
    create = store.create

    async def with_room(key: str, body: bytes) -> bool:
        if await store.exists(source_key(job)):
            raise StorageFull("There is no room.")
        return await create(key, body)

    monkeypatch.setattr(store, "create", with_room)
    assert (await client.delete(f"/v1/jobs/{job}")).json()["state"] == "cancelled"
    assert (await client.get(f"/v1/jobs/{job}")).json()["state"] == "cancelled"


async def test_a_job_that_has_ended_says_when_it_goes(
    client: httpx.AsyncClient, store: ObjectStore, settings: GatewaySettings
) -> None:
    job = await hand_in(client)
    assert (await client.get(f"/v1/jobs/{job}")).json()["expires_at"] is None
    before = time.time()
    await finish(store, job)
    expires_at = (await client.get(f"/v1/jobs/{job}")).json()["expires_at"]
    assert before - 5 < expires_at - settings.keep_hours * 3600 < time.time() + 5
    assert [one["expires_at"] async for _, one in events_of(client, job)] == [expires_at]


async def test_who_watches_a_job_that_expires_hears_its_end(
    client: httpx.AsyncClient, parts: Parts, bus: MemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await hand_in(client)
    once_watched(bus, monkeypatch, lambda: parts.removal.everything(job))
    assert [name async for name, _ in events_of(client, job)] == ["progress"]


async def test_an_upload_without_room_is_refused_by_its_own_name_and_leaves_nothing(
    client: httpx.AsyncClient, store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        raise StorageFull("There is no room.")

    monkeypatch.setattr(store, "put", full)
    answer = await client.post("/v1/jobs", files={"file": MP4})
    assert (answer.status_code, answer.json()["code"], files_in(tmp_path)) == (507, "storage-full", [])
    assert int(answer.headers["retry-after"]) >= 1


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


@pytest.mark.parametrize("is_done", [False, True])
async def test_who_is_slower_with_one_word_does_not_put_another_video_under_the_job_that_is_there(
    client: httpx.AsyncClient, store: ObjectStore, *, is_done: bool
) -> None:
    headers = {"Idempotency-Key": "the-slower-of-two"}
    half, begun = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield MP4
        begun.set()
        await half.wait()
        yield b"and what makes it another video"

    slower = asyncio.create_task(client.post("/v1/jobs", content=slowly(), headers=headers))
    await begun.wait()
    quicker = await client.post("/v1/jobs", content=MP4, headers=headers)
    job = quicker.json()["id"]
    if is_done:
        await finish(store, job)
        await store.remove(source_key(job))
    half.set()
    answer = await slower
    assert (answer.status_code, answer.json()["id"]) == (202, job)
    if is_done:
        assert not await store.exists(source_key(job))
    else:
        assert await store.get(source_key(job)) == MP4


async def test_who_was_not_answered_because_the_bus_was_away_has_the_job_by_sending_again(
    client: httpx.AsyncClient, bus: MemoryBus
) -> None:
    headers = {"Idempotency-Key": "failed-at-first"}
    bus.down = True
    assert (await client.post("/v1/jobs", files={"file": MP4}, headers=headers)).status_code == 503
    bus.down = False
    for _ in range(2):
        assert (await client.post("/v1/jobs", files={"file": MP4}, headers=headers)).status_code == 202
    assert len(bus.kept("jobs.plan.*")) == 1


@pytest.mark.parametrize("word", ["short", "with a space in it", "x" * 256])
async def test_a_word_that_cannot_be_one_is_refused(client: httpx.AsyncClient, tmp_path: Path, word: str) -> None:
    answer = await client.post("/v1/jobs", files={"file": MP4}, headers={"Idempotency-Key": word})
    assert (answer.status_code, answer.json()["code"], files_in(tmp_path)) == (422, "invalid-parameter", [])
