"""`visavis streams` against a service that answers as the test says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from visavis.cli import main

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = {
    "received": 12,
    "delivered": 8,
    "dropped": [{"place": "detect", "reason": "late", "count": 2}],
    "failed": 1,
    "under_way": 1,
}
STREAM = {
    "id": "s1",
    "state": "running",
    "source": "rtmp://live.example.org",
    "account": ACCOUNT,
    "notices": [],
    "problem": None,
    "links": {"self": "/v1/streams/s1", "hls": "/v1/streams/s1/hls/index.m3u8", "record": "/v1/streams/s1/record"},
}
TOLD = "12 received, 8 delivered, 2 dropped (2 late in detect), 1 failed, 1 under way"
SOURCE = "rtmp://live.example.org/app/key"


def asked(answers: Any) -> dict[str, Any]:
    """The one body that was sent."""
    [(_, _, body)] = answers.asked
    found: dict[str, Any] = json.loads(body)
    return found


def test_a_stream_is_begun_with_its_outputs_and_its_id_is_printed(
    answers: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.give("/v1/streams", STREAM, status=201)
    outputs = ["--hls", "--push", "rtmp://a/b/c", "--push", "rtmp://d/e/f", "--record"]
    more = ["--look", "natural", "--codec", "hevc", "--max-delay", "900", "--detector", "yunet"]
    assert main(["streams", "begin", SOURCE, *outputs, *more, "--server", answers.url]) == 0
    assert asked(answers) == {
        "source": SOURCE,
        "outputs": [{"hls": {}}, {"rtmp": "rtmp://a/b/c"}, {"rtmp": "rtmp://d/e/f"}, {"record": {}}],
        "look": "natural",
        "output": {"codec": "hevc"},
        "max_delay_ms": 900,
        "detector": "yunet",
    }
    said = capsys.readouterr()
    assert said.out == "s1\n"
    assert f"{answers.url}/v1/streams/s1/hls/index.m3u8" in said.err
    assert f"{answers.url}/v1/streams/s1/record" in said.err


def test_a_stream_of_which_nothing_would_come_is_refused(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["streams", "begin", SOURCE, "--server", answers.url]) == 1
    assert "name --hls, --push URL or --record" in capsys.readouterr().err
    assert not answers.asked


def test_files_of_a_look_are_uploaded_first(answers: Any, tmp_path: Path) -> None:
    (tmp_path / "warm.cube").write_text("a LUT")
    look = tmp_path / "look.json"
    look.write_text('{"grade": {"asset": "./warm.cube"}}')
    answers.give("/v1/assets", {"id": "ab" * 16}, status=201)
    answers.give("/v1/streams", STREAM, status=201)
    assert main(["streams", "begin", SOURCE, "--hls", "--look", f"@{look}", "--server", answers.url]) == 0
    assert json.loads(json.loads(answers.asked[1][2])["look"]) == {"grade": {"asset": "ab" * 16}}


def test_streams_are_listed_a_line_each(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    answers.give("/v1/streams", {"streams": [STREAM, STREAM | {"id": "s2", "state": "ended"}]})
    assert main(["streams", "list", "--server", answers.url]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"s1  running  rtmp://live.example.org  {TOLD}",
        f"s2  ended    rtmp://live.example.org  {TOLD}",
    ]


def test_all_of_a_stream_is_shown_as_json(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    answers.give("/v1/streams/s1", STREAM)
    assert main(["streams", "show", "s1", "--server", answers.url]) == 0
    assert json.loads(capsys.readouterr().out) == STREAM


def watched(answers: Any, *streams: dict[str, Any]) -> int:
    events = "".join(f"event: state\ndata: {json.dumps(STREAM | one)}\n\n" for one in streams)
    answers.give("/v1/streams/s1/events", events.encode(), kind="text/event-stream")
    return main(["streams", "watch", "s1", "--server", answers.url])


def test_each_event_is_a_line_and_each_notice_is_told_once(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = ({"kind": kind, "detail": f"{kind}.", "at": at} for kind, at in (("degraded", 1.0), ("again", 2.0)))
    assert watched(answers, {"notices": [first]}, {"state": "ended", "notices": [first, second]}) == 0
    assert capsys.readouterr().out.splitlines() == [
        "degraded: degraded.",
        f"running  {TOLD}",
        "again: again.",
        f"ended    {TOLD}",
    ]


def test_a_stream_that_fails_ends_with_its_reason(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"code": "source-refused", "detail": "That host is not public."}
    assert watched(answers, {"state": "failed", "problem": problem}) == 1
    assert capsys.readouterr().err == "visavis: The stream failed: That host is not public.\n"


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (["--look", '{"smooth": 0.5}'], {"look": '{"smooth": 0.5}'}),
        (["--hls", "--record"], {"outputs": [{"hls": {}}, {"record": {}}]}),
    ],
)
def test_only_what_is_named_changes(answers: Any, words: list[str], body: dict[str, Any]) -> None:
    answers.give("/v1/streams/s1", STREAM)
    assert main(["streams", "change", "s1", *words, "--server", answers.url]) == 0
    assert asked(answers) == body


def test_a_change_of_nothing_is_refused(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["streams", "change", "s1", "--server", answers.url]) == 1
    assert "Nothing would change" in capsys.readouterr().err


@pytest.mark.parametrize(("state", "told"), [("ended", "It ends"), ("kept", "It was over already")])
def test_a_stream_is_ended_and_what_it_has_made_stays(
    state: str, told: str, answers: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    answers.give("/v1/streams/s1", {"id": "s1", "state": state})
    assert main(["streams", "end", "s1", "--server", answers.url]) == 0
    assert [path for path, _, _ in answers.asked] == ["/v1/streams/s1?keep=true"]
    assert capsys.readouterr().err == f"{told}; HLS and recording stay until `visavis streams remove s1`.\n"


def test_what_is_kept_of_a_stream_is_removed_once_it_is_over(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    answers.give("/v1/streams/s1", STREAM)
    assert main(["streams", "remove", "s1", "--server", answers.url]) == 1
    assert "still runs" in capsys.readouterr().err
    answers.give("/v1/streams/s1", {**STREAM, "state": "ended"})
    assert main(["streams", "remove", "s1", "--server", answers.url]) == 0
    assert [path for path, _, _ in answers.asked] == ["/v1/streams/s1"] * 3


def test_so_is_what_a_gateway_has_kept_that_is_gone(answers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"code": "not-found", "detail": "There is none."}
    answers.give("/v1/streams/s1", problem, status=404, kind="application/problem+json")
    assert main(["streams", "remove", "s1", "--server", answers.url]) == 1
    assert len(answers.asked) == 2
    assert "There is none." in capsys.readouterr().err


@pytest.mark.parametrize("words", [["begin", SOURCE, "--hls"], ["list"], ["watch", "s1"], ["end", "s1"]])
def test_without_a_service_it_is_said_that_one_must_run(
    words: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("visavis.client.PAUSE_SECONDS", 0)
    assert main(["streams", *words, "--server", "127.0.0.1:9"]) == 1
    [line] = capsys.readouterr().err.splitlines()
    assert "did not answer" in line
    assert line.endswith("Streams belong to a running service: start `visavis up`, or name one by --server.")
