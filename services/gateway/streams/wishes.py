"""What a client wants of a stream that is fetched: where from, which look, and what is made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from services.gateway.choices import read_look, read_models
from services.gateway.live.settings import refuse_invalid
from services.gateway.problems import Refusal
from shared.model.addresses import read_push_url, read_url
from shared.model.errors import Rejected
from shared.model.live import (
    USUAL_DELAY_MS,
    HlsOutput,
    LiveOutput,
    LiveSettings,
    Output,
    RecordOutput,
    RtmpOutput,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.model.looks import Look
    from shared.model.offers import ModelChoice
    from shared.runtime.presence import Presence

MOST_OUTPUTS = 8
MOST_BODY_BYTES = 64 * 1024
_OUTPUTS: dict[str, type[Output]] = {"hls": HlsOutput, "rtmp": RtmpOutput, "record": RecordOutput}
_URL = Annotated[str, msgspec.Meta(min_length=1, max_length=4096)]


class _Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of a POST."""

    source: _URL
    outputs: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=MOST_OUTPUTS)]
    look: str | dict[str, Any] = ""
    detector: str = ""
    landmarks: str = ""
    output: LiveOutput = LiveOutput()
    max_delay_ms: Annotated[int, msgspec.Meta(ge=20, le=60_000)] = USUAL_DELAY_MS


class _Changed(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of a PATCH."""

    look: str | dict[str, Any] | None = None
    outputs: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1, max_length=MOST_OUTPUTS)] | None = None


class StreamWish(msgspec.Struct, frozen=True, kw_only=True):
    """A stream as it was asked for. `source` and outputs may hold a password or a key: for no log, error or answer."""

    source: str
    look: Look
    models: ModelChoice
    outputs: tuple[Output, ...]
    encoding: LiveOutput
    max_delay_ms: int

    @property
    def settings(self) -> LiveSettings:
        """As the lane gets them."""
        return LiveSettings(
            input=None, output=self.encoding, look=self.look, models=self.models, max_delay_ms=self.max_delay_ms
        )

    @property
    def place(self) -> str:
        """What may be told of the source: scheme and host."""
        return read_url(self.source).place

    def __repr__(self) -> str:
        """Only what may be told."""
        return f"StreamWish({self.place})"


def read_wish(body: bytes, presence: Presence) -> StreamWish:
    """The wish in a POST's body.

    Raises Refusal `malformed-request` and `invalid-parameter`, Rejected `invalid-look` and `source-refused`.
    """
    asked = refuse_invalid(_members(body), _Asked, "stream")
    read_url(asked.source)
    return StreamWish(
        source=asked.source,
        look=_look(asked.look, presence),
        models=read_models({"detector": asked.detector, "landmarks": asked.landmarks}),
        outputs=read_outputs(asked.outputs),
        encoding=asked.output,
        max_delay_ms=asked.max_delay_ms,
    )


def read_change(body: bytes, presence: Presence) -> tuple[Look | None, tuple[Output, ...] | None]:
    """Another look and other outputs in a PATCH's body; None: as before. Raises as read_wish."""
    changed = refuse_invalid(_members(body), _Changed, "stream")
    look = None if changed.look is None else _look(changed.look, presence)
    return look, None if changed.outputs is None else read_outputs(changed.outputs)


def read_outputs(asked: Sequence[dict[str, Any]]) -> tuple[Output, ...]:
    """Outputs, of HLS and recordings one at most. Raises Refusal `invalid-parameter`, Rejected `source-refused`."""
    found = tuple(_output(one) for one in asked)
    for name, kind in (("hls", HlsOutput), ("record", RecordOutput)):
        if sum(isinstance(one, kind) for one in found) > 1:
            raise Refusal("invalid-parameter", f"`outputs` has more than one `{name}`: a stream has one place for it.")
    return found


def told_output(output: Output) -> dict[str, Any]:
    """An output as it is shown: of an address scheme and host, never a key."""
    match output:
        case RtmpOutput():
            return {"rtmp": {"url": read_push_url(output.url).place}}
        case HlsOutput():
            return {"hls": {"segment_seconds": output.segment_seconds, "window": output.window}}
    return {"record": {"max_seconds": output.max_seconds}}


def _output(asked: dict[str, Any]) -> Output:
    name = next(iter(asked), "")
    if len(asked) != 1 or name not in _OUTPUTS:
        there_are = ", ".join(f"`{one}`" for one in _OUTPUTS)
        raise Refusal("invalid-parameter", f"An output is an object with one member, its kind: one of {there_are}.")
    said = asked[name]
    if name == "rtmp" and isinstance(said, str):
        said = {"url": said}
    if not isinstance(said, dict):
        raise Refusal("invalid-parameter", f"`outputs.{name}` must be an object: `{{}}` for one as usual.")
    if "kind" in said:
        raise Refusal("invalid-parameter", f"`outputs.{name}` has no field `kind`.")
    output = refuse_invalid(said, _OUTPUTS[name], f"outputs.{name}")
    if isinstance(output, RtmpOutput):
        _refuse_unpushable(output.url)
    return output


def _refuse_unpushable(url: str) -> None:
    """Raises Refusal `invalid-parameter`, which tells nothing of the address."""
    try:
        read_push_url(url)
    except Rejected as error:
        detail = "`outputs.rtmp.url` must be rtmp://host/app/key or rtmps://host/app/key, without spaces or user."
        raise Refusal("invalid-parameter", detail) from error


def _look(asked: str | dict[str, Any], presence: Presence) -> Look:
    text = asked if isinstance(asked, str) else msgspec.json.encode(asked).decode()
    return read_look({"look": text}, presence)


def _members(body: bytes) -> dict[str, Any]:
    try:
        members = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal("malformed-request", "The body is no JSON (UTF-8).") from error
    if not isinstance(members, dict):
        raise Refusal("malformed-request", "The body must be a JSON object.")
    return members
