"""The settings of a live stream as the client says them, checked."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from services.gateway.choices import read_look, read_models
from services.gateway.own_effects import message_known
from services.gateway.problems import Refusal
from shared.model.live import LiveCodec, LiveSettings
from visavis.v1 import streams_pb2

if TYPE_CHECKING:
    from google.protobuf.message import Message  # type: ignore[import-untyped]  # ships no stubs

    from shared.model.looks import Look
    from shared.runtime.presence import Presence

    S = TypeVar("S", bound=msgspec.Struct)

_TOKEN = re.compile("[A-Za-z0-9_-]{22}")
_CODECS = {streams_pb2.Codec.Value(f"CODEC_{codec.name}"): codec for codec in LiveCodec}


def new_token() -> str:
    """What a client needs to go on with a stream: 128 random bits."""
    return secrets.token_urlsafe(16)


def context_of(token: str, owner: str = "") -> str:
    """The name under which a stream's past is kept: tells nobody the token.

    owner: the prefix of the key, so that another key with the same token finds nothing.
    """
    return hashlib.sha256(f"{token}{owner}".encode()).hexdigest()[:32]


def frames_of(settings: LiveSettings) -> tuple[int, float]:
    """The pixels of a frame and the frames a second, as the client says them; 0 for a stream that is fetched."""
    asked = settings.input
    return (asked.width * asked.height, asked.rate) if asked else (0, 0.0)


def read_token(settings: streams_pb2.StreamSettings) -> str:
    """The token of a stream to go on with; empty: a new one. Raises Refusal `invalid-parameter`."""
    token = settings.resume_token
    if token and not _TOKEN.fullmatch(token):
        raise Refusal("invalid-parameter", "`resume_token` is none that was given out: send it as it was in `opened`.")
    return token


def read_settings(settings: streams_pb2.StreamSettings, presence: Presence) -> LiveSettings:
    """The settings as the lane gets them.

    Raises Refusal `invalid-parameter` with the field, Rejected `invalid-look`, and Refusal `unavailable` as
    message_known does.
    """
    members = {
        **_members(settings, "want_picture", "want_faces", "want_timings", "max_delay_ms"),
        "input": {
            **_members(settings.input, "width", "height", "rate", "clock_hz", "header"),
            **_codec(settings.input),
        },
        "output": {
            **_members(settings.output, "bitrate_kbps", "quality", "key_interval_seconds", "low_delay"),
            **_codec(settings.output),
        },
        "look": read_wanted_look(settings, presence),
        "models": read_models({"detector": settings.detector, "landmarks": settings.landmarks}),
    }
    if not settings.input.codec:
        raise Refusal("invalid-parameter", "`settings.input.codec` is missing: say how your packets are coded.")
    wanted = refuse_invalid(members, LiveSettings, "settings")
    if not (wanted.want_picture or wanted.want_faces):
        raise Refusal("invalid-parameter", "Neither `want_picture` nor `want_faces` is set: nothing would come back.")
    return wanted


def refuse_invalid(members: dict[str, Any], kind: type[S], called: str) -> S:
    """The members as a checked struct. Raises Refusal `invalid-parameter` with the path of the wrong field."""
    try:
        return msgspec.convert(members, kind)
    except msgspec.ValidationError as error:
        detail = f"`{called}` is not valid: {error}.".replace("`$.", f"`{called}.")
        raise Refusal("invalid-parameter", detail) from error


def names_look(settings: streams_pb2.StreamSettings) -> bool:
    """Whether they say which look is wanted; a stream that is gone on with has the one that was in force otherwise."""
    return settings.HasField("look") or bool(settings.look_name.strip())


def read_wanted_look(message: streams_pb2.StreamSettings | streams_pb2.ChangeLook, presence: Presence) -> Look:
    """The look of a message. Raises as read_settings."""
    if message.WhichOneof("look_choice") == "look":
        return message_known(message.look, presence)
    return read_look({"look": message.look_name}, presence)


def _codec(message: streams_pb2.StreamInput | streams_pb2.StreamOutput) -> dict[str, Any]:
    """What is not said is not there; a number that is no codec's is left for the check to refuse."""
    return {"codec": _CODECS.get(message.codec, str(message.codec))} if message.codec else {}


def _members(message: Message, *names: str) -> dict[str, Any]:
    """Fields by name, without those that can be absent and are."""
    fields = message.DESCRIPTOR.fields_by_name
    there = (name for name in names if not fields[name].has_presence or message.HasField(name))
    return {name: getattr(message, name) for name in there}
