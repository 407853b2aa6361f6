from __future__ import annotations

import struct

import pytest

from services.render.outputs.amf import Value, decode, encode
from shared.model.errors import Malformed


@pytest.mark.parametrize(
    "value", [1.5, True, False, "wörd", "", None, {}, {"a": 1.0, "b": {"c": None}}, [], ["hvc1", {"x": True}]]
)
def test_what_is_encoded_is_decoded(value: Value) -> None:
    assert decode(encode(value, value)) == [value, value]


def test_the_bytes_are_those_of_the_specification() -> None:
    assert encode("connect", 1.0, {"app": "live"}).hex() == (
        "020007636f6e6e656374" "003ff0000000000000" "03" "0003617070" "0200046c697665" "000009"
    )  # fmt: skip


def test_what_only_servers_write_is_read() -> None:
    array = b"\x08\0\0\0\1" + b"\0\1a" + encode(2.0) + b"\0\0\x09"
    date = b"\x0b" + struct.pack(">dh", 0.0, 0)
    assert decode(array + date + b"\x06" + b"\x0c\0\0\0\2hi") == [{"a": 2.0}, None, None, "hi"]


@pytest.mark.parametrize(
    "body", [b"\0\0", b"\x02\0\5ab", b"\x03\0\1a\x05\0\0\7", b"\x7f", b"\x0a\xff\xff\xff\xff\x05", b"\x0a\0\0\0\1" * 40]
)
def test_nonsense_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(body)
