from __future__ import annotations

import contextlib

import numpy as np
import pytest

from services.render.outputs.rtmp_chunks import LARGEST_MESSAGE, SET_CHUNK_SIZE, ChunkReader, Message, chunked
from shared.model.errors import Malformed


def read(data: bytes, piece: int | None = None) -> list[Message]:
    reader = ChunkReader()
    size = piece or max(1, len(data))
    return [message for at in range(0, len(data), size) for message in reader.feed(data[at : at + size])]


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 5000])
@pytest.mark.parametrize("timestamp", [0, 40, 0xFFFFFE, 0xFFFFFF, 0x12345678])
@pytest.mark.parametrize("piece", [None, 1, 100])
def test_what_is_chunked_is_read(size: int, timestamp: int, piece: int | None) -> None:
    message = Message(9, np.random.default_rng(size).bytes(size), timestamp, 1)
    assert read(chunked(message, 4, 128) * 2, piece) == [message, message]


def test_a_time_of_more_than_32_bits_begins_again() -> None:
    (message,) = read(chunked(Message(9, b"x", 2**32 + 5), 4, 128))
    assert message.timestamp_ms == 5


def test_a_larger_chunk_size_is_heeded() -> None:
    larger = chunked(Message(SET_CHUNK_SIZE, (4096).to_bytes(4, "big")), 2, 128)
    message = Message(20, bytes(5000))
    assert read(larger + chunked(message, 3, 4096))[1] == message


def test_messages_of_several_channels_may_be_mixed() -> None:
    first, second = Message(9, bytes(200), 1), Message(8, b"\1" * 200, 2)
    one, other = chunked(first, 4, 128), chunked(second, 5, 128)
    assert read(one[:140] + other[:140] + one[140:] + other[140:]) == [first, second]


def test_short_heads_repeat_what_was_said_before() -> None:
    full = chunked(Message(9, b"abc", 7, 1), 4, 128)
    same_stream = bytes((0x44,)) + b"\0\0\1" + b"\0\0\2" + b"\x08" + b"xy"
    same_size = bytes((0x84,)) + b"\0\0\1" + b"zz"
    nothing = bytes((0xC4,)) + b"ww"
    bodies = [
        (message.kind, message.body, message.stream) for message in read(full + same_stream + same_size + nothing)
    ]
    assert bodies == [(9, b"abc", 1), (8, b"xy", 1), (8, b"zz", 1), (8, b"ww", 1)]


@pytest.mark.parametrize("channel", [64, 319, 320, 65_599])
def test_long_channel_numbers_are_read(channel: int) -> None:
    plain = chunked(Message(9, b"abc"), 4, 128)[1:]
    number = channel - 64
    head = bytes((0, number)) if number < 256 else bytes((1,)) + number.to_bytes(2, "little")
    assert read(head + plain) == [Message(9, b"abc")]


def test_more_than_a_server_has_to_say_is_malformed() -> None:
    huge = b"\4" + b"\0\0\0" + (LARGEST_MESSAGE + 1).to_bytes(3, "big") + b"\x09\0\0\0\0"
    many = b"".join(bytes((0, n)) + chunked(Message(9, bytes(200)), 4, 128)[1:140] for n in range(80))
    for data in (huge, many):
        with pytest.raises(Malformed):
            read(data)


def test_a_chunk_size_of_nothing_is_malformed() -> None:
    with pytest.raises(Malformed):
        read(chunked(Message(SET_CHUNK_SIZE, bytes(4)), 2, 128))


@pytest.mark.parametrize("seed", range(200))
def test_noise_ends_or_waits_and_never_hangs(seed: int) -> None:
    noise = np.random.default_rng(seed).bytes(3000)
    with contextlib.suppress(Malformed):
        read(noise, 100)
