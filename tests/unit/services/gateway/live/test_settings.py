"""The settings of a live stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from services.gateway.live.settings import (
    context_of,
    names_look,
    new_token,
    read_settings,
    read_token,
    read_wanted_look,
)
from services.gateway.problems import Refusal
from shared.model.live import LiveCodec, LiveInput, LiveOutput, LiveSettings
from shared.model.looks import Look
from shared.model.offers import ModelChoice
from shared.model.presets import PRESETS
from visavis.v1 import looks_pb2, streams_pb2

if TYPE_CHECKING:
    from services.gateway.parts import Parts

AV1 = streams_pb2.CODEC_AV1
INPUT = streams_pb2.StreamInput(codec=streams_pb2.CODEC_VP9, width=640, height=480)


def test_what_is_not_said_is_as_usual(parts: Parts) -> None:
    wanted = read_settings(streams_pb2.StreamSettings(input=INPUT), parts.presence)
    assert wanted == LiveSettings(input=LiveInput(codec=LiveCodec.VP9, width=640, height=480), look=PRESETS["default"])


def test_what_is_said_is_taken_even_where_it_is_zero(parts: Parts) -> None:
    said = streams_pb2.StreamSettings(
        input=streams_pb2.StreamInput(
            codec=streams_pb2.CODEC_RGB24, width=64, height=48, rate=12.5, clock_hz=1000, header=b"\x00\xff"
        ),
        output=streams_pb2.StreamOutput(
            codec=streams_pb2.CODEC_MJPEG, bitrate_kbps=800, quality=0, key_interval_seconds=1, low_delay=False
        ),
        look=looks_pb2.Look(smooth=0.5),
        detector="blazeface",
        landmarks="face-mesh",
        want_picture=False,
        want_faces=True,
        want_timings=True,
        max_delay_ms=200,
    )
    assert read_settings(said, parts.presence) == LiveSettings(
        input=LiveInput(codec=LiveCodec.RGB24, width=64, height=48, rate=12.5, clock_hz=1000, header=b"\x00\xff"),
        output=LiveOutput(
            codec=LiveCodec.MJPEG, bitrate_kbps=800, quality=0.0, key_interval_seconds=1.0, low_delay=False
        ),
        look=Look(smooth=0.5),
        models=ModelChoice("blazeface", "face-mesh"),
        want_picture=False,
        want_faces=True,
        want_timings=True,
        max_delay_ms=200,
    )


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"input": streams_pb2.StreamInput(width=64, height=48)}, "settings.input.codec"),
        ({"input": streams_pb2.StreamInput(codec=99, width=64, height=48)}, "settings.input.codec"),  # type: ignore[arg-type]
        ({"input": streams_pb2.StreamInput(codec=AV1, height=48)}, "settings.input.width"),
        (
            {"input": streams_pb2.StreamInput(codec=AV1, width=64, height=48, rate=float("nan"))},
            "rate",
        ),
        ({"output": streams_pb2.StreamOutput(quality=2)}, "settings.output.quality"),
        ({"max_delay_ms": 5}, "settings.max_delay_ms"),
        ({"want_picture": False}, "want_faces"),
        ({"detector": "No Name"}, "detector"),
    ],
)
def test_what_is_wrong_is_named(parts: Parts, changed: dict[str, Any], named: str) -> None:
    with pytest.raises(Refusal, match=named) as refused:
        read_settings(streams_pb2.StreamSettings(**({"input": INPUT} | changed)), parts.presence)
    assert refused.value.code == "invalid-parameter"


def test_a_change_of_the_look_is_read_as_the_look_was(parts: Parts) -> None:
    assert read_wanted_look(streams_pb2.ChangeLook(look_name="natural"), parts.presence) == PRESETS["natural"]
    assert read_wanted_look(streams_pb2.ChangeLook(look=looks_pb2.Look()), parts.presence) == Look()
    assert read_wanted_look(streams_pb2.ChangeLook(), parts.presence) == PRESETS["default"]


def test_a_token_is_random_and_its_context_does_not_tell_it() -> None:
    token = new_token()
    assert read_token(streams_pb2.StreamSettings(resume_token=token)) == token
    assert token != new_token()
    assert context_of(token) == context_of(token)
    assert (len(context_of(token)), token in context_of(token)) == (32, False)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, False),
        ({"look_name": " "}, False),
        ({"look_name": "none"}, True),
        ({"look": looks_pb2.Look()}, True),
    ],
)
def test_a_look_is_named_or_left_as_it_was(settings: dict[str, Any], named: bool) -> None:
    assert names_look(streams_pb2.StreamSettings(**settings)) is named


def test_without_a_token_there_is_no_past() -> None:
    assert read_token(streams_pb2.StreamSettings()) == ""


@pytest.mark.parametrize("token", ["short", "a" * 23, "../../../../../../../..", "a" * 21 + "."])
def test_what_was_never_given_out_is_refused(token: str) -> None:
    with pytest.raises(Refusal, match="resume_token"):
        read_token(streams_pb2.StreamSettings(resume_token=token))


def test_a_token_leads_to_another_past_for_another_key() -> None:
    token = new_token()
    names = {context_of(token), context_of(token, "a" * 12), context_of(token, "b" * 12)}
    assert len(names) == 3
    assert context_of(token, "a" * 12) in names
