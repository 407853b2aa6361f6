"""services/ingest/demuxer/options.py."""

from __future__ import annotations

import pytest

from services.ingest.demuxer.options import file_options, rtmp_names, rtmp_options, rtsp_options, tunnelled
from services.ingest.limits import IngestLimits

LIMITS = IngestLimits()


def test_no_source_may_use_another_protocol_than_its_own() -> None:
    assert rtmp_options("rtmp://h/a/b", LIMITS)["protocol_whitelist"] == "rtmp,tcp"
    assert rtsp_options(LIMITS)["protocol_whitelist"] == "rtsp,tcp"
    assert file_options(LIMITS)["protocol_whitelist"] == ""
    assert "hls" not in file_options(LIMITS)["format_whitelist"]


@pytest.mark.parametrize(
    ("url", "names"),
    [
        ("rtmp://h/app/key", ("app", "key")),
        ("rtmp://h/app/key?sig=1", ("app", "key?sig=1")),
        ("rtmp://h/app/instance/key", ("app/instance", "key")),
        ("rtmp://h/app/instance/a/b", ("app/instance", "a/b")),
        ("rtmp://h/app", ("app", "")),
        ("rtmp://h", ("", "")),
    ],
)
def test_an_rtmp_url_names_an_application_and_a_stream(url: str, names: tuple[str, str]) -> None:
    assert rtmp_names(url) == names


def test_the_server_is_told_the_host_that_was_asked_for() -> None:
    options = rtmp_options("rtmps://me:word@live.example:1936/app/key", LIMITS)
    assert options["rtmp_tcurl"] == "rtmps://live.example:1936/app"


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("rtmps://live.example/app/key?x=1", "rtmp://127.0.0.1:9/app/key?x=1"),
        ("rtsps://me:word@cam.example:322/1", "rtsp://me:word@127.0.0.1:9/1"),
    ],
)
def test_inside_of_the_tunnel_the_url_is_plain(url: str, inside: str) -> None:
    assert tunnelled(url, 9) == inside


def test_rtsp_is_spoken_in_one_connection() -> None:
    assert rtsp_options(LIMITS)["rtsp_transport"] == "tcp"
