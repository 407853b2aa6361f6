"""What a client wants of a stream that is fetched."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from services.gateway.problems import Refusal
from services.gateway.streams.wishes import read_change, read_wish, told_output
from shared.model.errors import Rejected
from shared.model.live import HlsOutput, LiveCodec, LiveOutput, RecordOutput, RtmpOutput
from shared.model.looks import Look
from shared.model.offers import ModelChoice
from shared.model.presets import PRESETS

if TYPE_CHECKING:
    from services.gateway.parts import Parts

SOURCE = "rtsp://user:secret@camera.example.org:8554/live?token=secret"
KEY = "rtmp://push.example.org/app/secret"


def body(**members: Any) -> bytes:
    return json.dumps({"source": SOURCE, "outputs": [{"hls": {}}]} | members).encode()


def test_what_is_not_said_is_as_usual(parts: Parts) -> None:
    wish = read_wish(body(), parts.presence)
    assert (wish.source, wish.look, wish.outputs) == (SOURCE, PRESETS["default"], (HlsOutput(),))
    assert wish.settings.input is None
    assert wish.settings.max_delay_ms == 500


def test_what_is_said_is_taken(parts: Parts) -> None:
    wish = read_wish(
        body(
            look={"smooth": 0.5},
            detector="blazeface",
            outputs=[{"hls": {"window": 9}}, {"rtmp": KEY}, {"rtmp": {"url": KEY + "2"}}, {"record": {}}],
            output={"codec": "hevc", "bitrate_kbps": 900},
            max_delay_ms=900,
        ),
        parts.presence,
    )
    assert (wish.look, wish.models) == (Look(smooth=0.5), ModelChoice("blazeface"))
    assert wish.outputs == (HlsOutput(window=9), RtmpOutput(url=KEY), RtmpOutput(url=KEY + "2"), RecordOutput())
    assert wish.settings.output == LiveOutput(codec=LiveCodec.HEVC, bitrate_kbps=900)
    assert wish.settings.max_delay_ms == 900


@pytest.mark.parametrize(
    ("members", "named"),
    [
        ({"outputs": []}, "outputs"),
        ({"outputs": [{}]}, "hls"),
        ({"outputs": [{"dash": {}}]}, "hls"),
        ({"outputs": [{"hls": {}, "record": {}}]}, "one member"),
        ({"outputs": [{"hls": {}}, {"hls": {"window": 4}}]}, "more than one `hls`"),
        ({"outputs": [{"hls": {"windows": 4}}]}, "windows"),
        ({"outputs": [{"hls": {"kind": "hls"}}]}, "kind"),
        ({"outputs": [{"hls": {"window": 1}}]}, "window"),
        ({"outputs": [{"record": True}]}, "object"),
        ({"outputs": [{"rtmp": "http://push.example.org/secret"}]}, "rtmps://"),
        ({"outputs": [{"rtmp": "rtmp://user:secret@push.example.org/app/secret"}]}, "rtmps://"),
        ({"outputs": [{"rtmp": "rtmp://push.example.org/secret"}]}, "rtmps://"),
        ({"output": {"quality": 7}}, "quality"),
        ({"max_delay_ms": 1}, "max_delay_ms"),
        ({"sources": "x"}, "sources"),
        ({"source": ""}, "source"),
        ({"detector": "No Name"}, "detector"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_secret_is_told(parts: Parts, members: dict[str, Any], named: str) -> None:
    with pytest.raises(Refusal, match=named) as refused:
        read_wish(body(**members), parts.presence)
    assert refused.value.code == "invalid-parameter"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("source", ["file:///etc/passwd", "http://", "rtmp://host:0/secret", "x"])
def test_sources_that_are_none_are_refused(parts: Parts, source: str) -> None:
    with pytest.raises(Rejected) as refused:
        read_wish(body(source=source), parts.presence)
    assert refused.value.code == "source-refused"
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("wrong", [b"", b"{", b"[]", b'"x"', b"\xff"])
def test_what_is_no_json_object_is_malformed(parts: Parts, wrong: bytes) -> None:
    for read in (read_wish, read_change):
        with pytest.raises(Refusal) as refused:
            read(wrong, parts.presence)
        assert refused.value.code == "malformed-request"


def test_a_wrong_look_is_a_wrong_look(parts: Parts) -> None:
    with pytest.raises(Rejected) as refused:
        read_wish(body(look={"smooth": 7}), parts.presence)
    assert refused.value.code == "invalid-look"


def test_a_change_is_of_what_it_names(parts: Parts) -> None:
    assert read_change(b"{}", parts.presence) == (None, None)
    assert read_change(b'{"look": "natural"}', parts.presence) == (PRESETS["natural"], None)
    assert read_change(b'{"outputs": [{"record": {}}]}', parts.presence) == (None, (RecordOutput(),))


def test_what_is_secret_is_not_shown(parts: Parts) -> None:
    wish = read_wish(body(outputs=[{"rtmp": KEY}, {"hls": {}}, {"record": {}}]), parts.presence)
    shown = [wish.place, repr(wish), *(told_output(output) for output in wish.outputs)]
    assert "secret" not in str(shown)
    assert shown[0] == "rtsp://camera.example.org"
    assert shown[2] == {"rtmp": {"url": "rtmp://push.example.org"}}
