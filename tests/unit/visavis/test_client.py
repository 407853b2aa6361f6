"""The REST interface for Python programs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest

from visavis import client as client_module
from visavis.client import Client, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Answer = Callable[[httpx.Request], httpx.Response]

PROBLEM = {"code": "too-large", "detail": "Too many bytes (max_image_bytes).", "status": 413, "trace_id": "ab"}


def client(answer: Answer) -> Client:
    return Client("http://visavis", transport=httpx.MockTransport(answer))


def event(name: str, **job: Any) -> str:
    return f"event: {name}\nid: 1\ndata: {json.dumps(job)}\n\n"


def test_a_picture_is_sent_and_its_answer_is_read() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert (request.method, request.url.path, request.read()) == ("POST", "/v1/images", b"picture")
        assert json.loads(request.url.params["look"]) == {"smooth": 0.5}
        return httpx.Response(200, headers={"content-type": "image/png"}, content=b"retouched")

    assert client(answer).process_image(b"picture", {"smooth": 0.5}) == b"retouched"


def test_an_analysis_is_read() -> None:
    assert client(lambda _: httpx.Response(200, json={"faces": []})).analyze_image(b"picture") == {"faces": []}


@pytest.mark.parametrize("names", [{}, {"detector": "scrfd-500m"}, {"detector": "a", "landmarks": "keypoints"}])
def test_models_that_are_named_are_asked_for_and_no_others(names: dict[str, str], tmp_path: Path) -> None:
    asked: list[dict[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        found = dict(request.url.params)
        found.pop("look", None)
        for field in ("detector", "landmarks"):
            value = request.read().partition(f'name="{field}"\r\n\r\n'.encode())[2].partition(b"\r\n")[0]
            found |= {field: value.decode()} if value else {}
        asked.append(found)
        return httpx.Response(200, json={})

    path = tmp_path / "clip"
    path.write_bytes(b"a clip")
    client(answer).process_image(b"picture", **names)
    client(answer).analyze_image(b"picture", **names)
    client(answer).submit_job(path, **names)  # type: ignore[arg-type]  # only names of models
    assert asked == [names] * 3


def test_an_asset_is_uploaded_asked_for_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "hat.png"
    path.write_bytes(b"a hat")
    asked: list[tuple[str, str, bytes]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.raw_path.decode(), request.read()))
        return httpx.Response(204) if request.method == "DELETE" else httpx.Response(201, json={"id": "a"})

    assert client(answer).upload_asset(path) == {"id": "a"}
    assert client(answer).asset("a") == {"id": "a"}
    client(answer).remove_asset("a/b")
    assert asked == [
        ("POST", "/v1/assets", b"a hat"),
        ("GET", "/v1/assets/a", b""),
        ("DELETE", "/v1/assets/a%2Fb", b""),
    ]


def test_models_are_listed() -> None:
    models = [{"name": "blazeface", "role": "detector", "points": 6, "default": True}]
    assert client(lambda _: httpx.Response(200, json={"models": models})).models() == models


def test_a_problem_is_raised_with_its_code_and_sentence() -> None:
    headers = {"content-type": "application/problem+json"}
    asked = client(lambda _: httpx.Response(413, headers=headers, content=json.dumps(PROBLEM)))
    for ask in (lambda: asked.job("x"), lambda: list(asked.events("x"))):
        with pytest.raises(ProblemError, match="max_image_bytes") as problem:
            ask()
        assert (problem.value.code, problem.value.status, problem.value.trace_id) == ("too-large", 413, "ab")


def test_an_error_that_is_no_problem_is_said_to_come_from_elsewhere() -> None:
    with pytest.raises(ProblemError, match="502") as problem:
        client(lambda _: httpx.Response(502, text="<html>")).looks()
    assert problem.value.code == "unreachable"


def test_the_address_of_grpc_is_told_as_that() -> None:
    with ThreadPoolExecutor(1) as threads:
        server = grpc.server(threads)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        with Client(f"http://127.0.0.1:{port}") as there, pytest.raises(ProblemError) as problem:
            there.models()
        server.stop(None).wait()
    assert problem.value.code == "unreachable"
    assert "it may be gRPC. By default REST is on port 8700 and gRPC on 8701." in problem.value.detail


@pytest.mark.parametrize(
    ("error", "said"), [(httpx.ConnectError("refused"), "refused"), (httpx.ReadTimeout(""), "ReadTimeout")]
)
def test_nobody_there_is_unreachable(error: httpx.TransportError, said: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(ProblemError, match=f"did not answer: {said}.") as problem:
        client(answer).job("x")
    assert problem.value.code == "unreachable"
    assert not client(answer).is_ready()


def test_a_video_is_handed_in_and_its_upload_is_told(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(600_000))
    told: list[tuple[int, int]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = request.read()
        assert int(request.headers["content-length"]) == len(body)
        assert bytes(600_000) in body
        assert b'name="want"\r\n\r\nfaces' in body
        return httpx.Response(202, json={"id": "j"})

    assert client(answer).submit_job(path, want="faces", on_upload=lambda *at: told.append(at)) == {"id": "j"}
    assert told[-1] == (600_000, 600_000)
    assert len(told) > 1


def test_events_end_with_the_job() -> None:
    text = (
        event("progress", state="running") + ": still there\n\n" + event("done", state="done") + event("x", state="x")
    )
    found = list(client(lambda _: httpx.Response(200, text=text)).events("j"))
    assert found == [{"state": "running"}, {"state": "done"}]


def test_waiting_goes_on_over_a_connection_that_breaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAUSE_SECONDS", 0)
    answers: list[str | None] = [event("progress", state="running"), None, event("done", state="done")]

    def answer(request: httpx.Request) -> httpx.Response:
        text = answers.pop(0)
        if text is None:
            raise httpx.ReadError("reset")
        return httpx.Response(200, text=text)

    assert [job["state"] for job in client(answer).events("j")] == ["running", "done"]


def test_a_broken_connection_goes_on_after_the_last_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAUSE_SECONDS", 0)
    asked: list[str | None] = []
    texts = ["retry: 1000\n\n", "id: 1-4-running\n" + event("p", state="running").replace("id: 1\n", ""), ": still\n\n",
             event("done", state="done")]  # fmt: skip

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("last-event-id"))
        return httpx.Response(200, text=texts.pop(0))

    assert [job["state"] for job in client(answer).events("j")] == ["running", "done"]
    assert asked == [None, None, "1-4-running", "1-4-running"]


def test_an_event_that_was_cut_off_does_not_count_as_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAUSE_SECONDS", 0)
    asked: list[str | None] = []
    texts = ["event: progress\nid: 1-4-running\n", event("done", state="done")]

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("last-event-id"))
        return httpx.Response(200, text=texts.pop(0))

    assert [job["state"] for job in client(answer).events("j")] == ["done"]
    assert asked == [None, None]


def test_who_is_called_back_is_told(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(b"a clip")
    bodies: list[bytes] = []

    def answer(request: httpx.Request) -> httpx.Response:
        bodies.append(request.read())
        return httpx.Response(202, json={"id": "j"})

    client(answer).submit_job(path, callback="https://example.org/hook")
    client(answer).submit_job(path)
    assert b'name="callback"\r\n\r\nhttps://example.org/hook\r\n' in bodies[0]
    assert b"callback" not in bodies[1]


def test_the_word_by_which_a_job_is_known_again_goes_with_it(tmp_path: Path) -> None:
    path = tmp_path / "clip"
    path.write_bytes(b"a clip")
    words: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        words.append(request.headers.get("idempotency-key"))
        if len(words) == 1:
            raise httpx.ReadTimeout("no answer came")
        return httpx.Response(202, json={"id": "j"})

    with pytest.raises(ProblemError, match="no answer came"):
        client(answer).submit_job(path, idempotency_key="2f1c7a52-7f0e")
    assert client(answer).submit_job(path, idempotency_key="2f1c7a52-7f0e") == {"id": "j"}
    client(answer).submit_job(path)
    assert words == ["2f1c7a52-7f0e", "2f1c7a52-7f0e", None]


def test_waiting_ends_when_nobody_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "PAUSE_SECONDS", 0)

    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ProblemError):
        list(client(answer).events("j"))


def test_a_result_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    body = bytes(range(256)) * 10
    told: list[tuple[int, int]] = []
    found = client(lambda _: httpx.Response(200, content=body)).download(
        "j", tmp_path / "out.mp4", lambda *at: told.append(at)
    )
    assert (found.read_bytes(), told[-1]) == (body, (len(body), len(body)))

    class Cut(httpx.SyncByteStream):
        def __iter__(self) -> Any:
            yield body
            raise httpx.ReadError("reset")

    with pytest.raises(ProblemError):
        client(lambda _: httpx.Response(200, stream=Cut())).download("j", tmp_path / "cut.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_cancelling_deletes_the_job() -> None:
    asked: list[tuple[str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append((request.method, request.url.path))
        return httpx.Response(200, json={"id": "j", "state": "cancelled", "removed": {"objects": 2}})

    assert client(answer).cancel("j")["removed"] == {"objects": 2}
    assert asked == [("DELETE", "/v1/jobs/j")]


def test_a_stream_is_begun_looked_up_changed_and_ended() -> None:
    asked: list[tuple[str, str, Any]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        body = request.read()
        asked.append((request.method, request.url.raw_path.decode(), json.loads(body) if body else None))
        return httpx.Response(200, json={"id": "s"} | ({"state": "kept"} if request.method == "DELETE" else {}))

    asker = client(answer)
    assert asker.begin_stream("rtmp://a/b", [{"hls": {}}], {"smooth": 0.5}, max_delay_ms=900) == {"id": "s"}
    assert asker.stream("s/1") == {"id": "s"}
    asker.change_stream("s", look="natural")
    asker.change_stream("s", outputs=[{"record": {}}])
    assert asker.end_stream("s") == asker.remove_stream("s") == "kept"
    wish = {"source": "rtmp://a/b", "outputs": [{"hls": {}}], "look": {"smooth": 0.5}, "max_delay_ms": 900}
    assert asked == [
        ("POST", "/v1/streams", wish),
        ("GET", "/v1/streams/s%2F1", None),
        ("PATCH", "/v1/streams/s", {"look": "natural"}),
        ("PATCH", "/v1/streams/s", {"outputs": [{"record": {}}]}),
        ("DELETE", "/v1/streams/s?keep=true", None),
        ("DELETE", "/v1/streams/s", None),
    ]


def test_a_gateway_that_does_not_say_what_became_of_a_stream_has_ended_it() -> None:
    asker = client(lambda _: httpx.Response(204))
    assert asker.end_stream("s") == asker.remove_stream("s") == "ended"


def test_streams_are_listed() -> None:
    assert client(lambda _: httpx.Response(200, json={"streams": [{"id": "s"}]})).streams() == [{"id": "s"}]


@pytest.mark.parametrize("end", ["ended", "failed"])
def test_a_stream_is_watched_to_its_end(end: str) -> None:
    text = event("state", state="running") + ": still there\n\n" + event(end, state=end)
    found = client(lambda _: httpx.Response(200, text=text)).stream_events("s")
    assert [stream["state"] for stream in found] == ["running", end]


def test_a_recording_is_fetched_by_its_part(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(200, content=b"a film")

    assert client(answer).download_recording("s", tmp_path / "film.mp4", 2).read_bytes() == b"a film"
    assert asked == ["/v1/streams/s/record?part=2"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_no_proxy_is_asked_for_a_service_on_this_machine(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    with Client(f"http://{host}:1") as asked, pytest.raises(ProblemError, match="refused") as problem:
        asked.looks()
    assert problem.value.code == "unreachable"


@pytest.mark.parametrize(("key", "sent"), [("vv_a_b", "Bearer vv_a_b"), ("", None)])
def test_the_key_goes_with_every_request(key: str, sent: str | None) -> None:
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("authorization"))
        return httpx.Response(200, json={"models": []}, headers={"content-type": "application/json"})

    with Client("http://visavis", transport=httpx.MockTransport(answer), key=key) as found:
        found.models()
        list(found._told("/v1/jobs/j/events", ""))
    assert asked == [sent, sent]
