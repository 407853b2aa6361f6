"""How messages lie on the wire: MessagePack, typed and checked on the way in."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from shared.model.errors import Malformed

T = TypeVar("T")

_encoder = msgspec.msgpack.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """The message as MessagePack."""
    return _encoder.encode(message)


def decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    """A reusable decoder for a message or a union of tagged messages."""
    return msgspec.msgpack.Decoder(kind)


def decode(body: bytes, using: msgspec.msgpack.Decoder[T]) -> T:
    """The message, or Malformed with what is wrong and where."""
    try:
        return using.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"A message of {len(body)} bytes cannot be read: {error}") from error
