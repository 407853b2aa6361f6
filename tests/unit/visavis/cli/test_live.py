"""`visavis live`: its words. The conversation itself is run in tests/system/test_commands.py."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import pytest

from tests.unit.visavis.test_packets import written
from visavis.cli import live, main
from visavis.packets import CodedClip
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = "127.0.0.1:9"


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    live.add_to(parser.add_subparsers())
    return parser.parse_args(["live", "in", "out.mp4", *words])


def test_the_service_is_told_what_the_clip_is_and_what_is_wanted(tmp_path: Path) -> None:
    asked = options("--codec", "av1", "--max-delay", "900", "--detector", "yunet")
    with CodedClip(written(tmp_path / "a.mp4")) as clip:
        settings = live.settings_of(clip, "natural", asked)
        header = clip.header
    assert settings.input == streams_pb2.StreamInput(
        codec=streams_pb2.CODEC_H264, width=96, height=64, rate=25, clock_hz=90_000, header=header
    )
    assert settings.output == streams_pb2.StreamOutput(codec=streams_pb2.CODEC_AV1)
    assert (settings.look_name, settings.max_delay_ms, settings.detector) == ("natural", 900, "yunet")


@pytest.mark.parametrize("delay", ["19", "60001", "-1", "soon"])
def test_a_delay_that_no_stream_has_is_a_wrong_word(delay: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options("--max-delay", delay)
    assert "20..60000" in capsys.readouterr().err or delay == "-1"


@pytest.mark.parametrize(
    ("output", "more", "said"),
    [
        ("out.mkv", [], "name it .mp4"),
        ("nowhere/out.mp4", [], "nowhere"),
        ("a.mp4", [], "is the input itself"),
        ("out.mp4", ["--look", "pretty"], "There is no look 'pretty'"),
        ("out.mp4", ["--look", '{"grade": {"asset": "./a.mp4"}}', "--server", NOBODY], "visavis assets add"),
        ("out.mp4", ["--server", NOBODY], NOBODY),
    ],
)
def test_what_cannot_be_is_one_sentence_and_no_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    output: str,
    more: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    written(tmp_path / "a.mp4")
    assert main(["live", "a.mp4", output, *more]) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("visavis: ")
    assert said in last
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_the_account_is_one_sentence() -> None:
    dropped = [streams_pb2.Dropped(place="render", reason="late", count=2)]
    account = streams_pb2.Account(received=10, delivered=7, dropped=dropped, failed=1)
    assert live.account_line(account) == "Of 10 frames 7 came back, 2 dropped in render (late), 1 not decoded."
    assert live.account_line(streams_pb2.Account(received=3, delivered=3)) == "Of 3 frames 3 came back."
    assert live.account_line(None) == "The service told no account."


def test_the_delay_is_told_by_its_middle_and_its_worst() -> None:
    assert live.delay_line([float(number) for number in range(100)]).count("under 50 ms") == 1
    assert "under 99 ms (p99)" in live.delay_line([float(number) for number in range(100)])
    assert "under 7 ms (p50), 99 of 100 under 7 ms (p99)" in live.delay_line([7.0])
