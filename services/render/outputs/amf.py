"""AMF0, the notation of RTMP's commands (Action Message Format, Adobe 2007): as much of it as publishing takes."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import cast

from shared.model.errors import Malformed

Value = float | bool | str | None | Mapping[str, "Value"] | Sequence["Value"]

_NUMBER, _BOOLEAN, _STRING, _OBJECT, _NULL, _UNDEFINED, _ECMA_ARRAY, _END, _STRICT_ARRAY, _DATE, _LONG_STRING = (
    0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 12,
)  # fmt: skip
_DEEPEST = 16


def encode(*values: Value) -> bytes:
    """Values one after the other."""
    return b"".join(_encode(value) for value in values)


def _encode(value: Value) -> bytes:
    match value:
        case bool():
            return struct.pack(">B?", _BOOLEAN, value)
        case int() | float():
            return struct.pack(">Bd", _NUMBER, value)
        case str():
            return struct.pack(">B", _STRING) + _text(value)
        case None:
            return struct.pack(">B", _NULL)
        case Mapping():
            members = b"".join(_text(name) + _encode(member) for name, member in value.items())
            return struct.pack(">B", _OBJECT) + members + struct.pack(">HB", 0, _END)
        case _:
            return struct.pack(">BI", _STRICT_ARRAY, len(value)) + encode(*value)


def _text(text: str) -> bytes:
    coded = text.encode()
    return struct.pack(">H", len(coded)) + coded


def decode(body: bytes) -> list[Value]:
    """All values of a message's body. Raises Malformed."""
    reader, values = _Reader(body), []
    while not reader.is_done:
        values.append(reader.value())
    return values


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body, self._at, self._depth = body, 0, 0

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._body)

    def value(self) -> Value:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Malformed("The RTMP server's answer is nested too deeply.")
        try:
            return self._value_of(self._number("B"))
        finally:
            self._depth -= 1

    def _value_of(self, kind: int) -> Value:  # noqa: PLR0911  -- one for each kind of value
        match kind:
            case 0:
                return self._unpacked("d")
            case 1:
                return bool(self._number("B"))
            case 2:
                return self._text(self._number("H"))
            case 12:
                return self._text(self._number("I"))
            case 3:
                return self._members()
            case 8:
                self._number("I")
                return self._members()
            case 10:
                return [self.value() for _ in range(self._number("I"))]
            case 11:
                self._take(2 + 8)
                return None
            case 5 | 6:
                return None
            case _:
                raise Malformed(f"The RTMP server's answer has a value of kind {kind}, which is not known here.")

    def _members(self) -> dict[str, Value]:
        members: dict[str, Value] = {}
        while name := self._text(self._number("H")):
            members[name] = self.value()
        if self._number("B") != _END:
            raise Malformed("An object in the RTMP server's answer does not end.")
        return members

    def _text(self, size: int) -> str:
        return self._take(size).decode(errors="replace")

    def _number(self, form: str) -> int:
        return int(self._unpacked(form))

    def _unpacked(self, form: str) -> float:
        (number,) = struct.unpack(f">{form}", self._take(struct.calcsize(f">{form}")))
        return cast("float", number)

    def _take(self, size: int) -> bytes:
        taken = self._body[self._at : self._at + size]
        if len(taken) < size:
            raise Malformed("The RTMP server's answer breaks off.")
        self._at += size
        return taken
