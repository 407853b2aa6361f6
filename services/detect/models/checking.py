"""Refuses a model that reaches beyond its own file or needs operators that ONNX does not define.

The file is read as protobuf's wire format (https://protobuf.dev/programming-guides/encoding), message by message and
without its weights: nothing of it is interpreted before it is known to be harmless, and detect needs no onnx package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Iterator

STANDARD_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""Of the operators that the ONNX standard defines."""
INSIDE: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "GraphProto": {1: "NodeProto", 5: "TensorProto", 15: "SparseTensorProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        **{5: "TensorProto", 6: "GraphProto", 10: "TensorProto", 11: "GraphProto"},
        **{22: "SparseTensorProto", 23: "SparseTensorProto"},
    },
    "SparseTensorProto": {1: "TensorProto", 2: "TensorProto"},
}
"""Which fields of which message hold messages that can hold an operator or a weight (onnx.proto, field numbers)."""
TEXTS: dict[str, dict[int, str]] = {
    "NodeProto": {4: "op_type", 7: "domain"},
    "FunctionProto": {1: "name", 10: "domain"},
}
"""Fields that say what an operator is, and which functions a model brings along."""
EXTERNAL_DATA, DATA_LOCATION = 13, 14
"""Fields of a TensorProto that say that its numbers lie in another file."""
_VARINT, _EIGHT_BYTES, _DELIMITED, _FOUR_BYTES = 0, 1, 2, 5


def check_self_contained(content: bytes, name: str) -> None:
    """Raises Misconfigured if the model `name` (for the sentence) with this .onnx content is to be refused."""
    try:
        used, brought = _operators(memoryview(content), name)
    except (IndexError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The model {name} is damaged, or is no ONNX file.") from error
    foreign = sorted(f"{domain}.{kind}" for domain, kind in used - brought if domain not in STANDARD_DOMAINS)
    if foreign:
        raise Misconfigured(f"The model {name} needs operators that ONNX does not define ({', '.join(foreign[:5])}).")


def _operators(content: memoryview, name: str) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Domain and kind of every operator in it, and of every function that it brings along."""
    used, brought = set(), set()
    waiting = [("ModelProto", content)]  # a list and no recursion: graphs may lie in graphs as deep as a file is long
    while waiting:
        message, part = waiting.pop()
        texts = {"op_type": "", "domain": "", "name": ""}
        for number, value in _fields(part):
            if isinstance(value, memoryview) and number in INSIDE.get(message, ()):
                waiting.append((INSIDE[message][number], value))
            elif isinstance(value, memoryview) and number in TEXTS.get(message, ()):
                texts[TEXTS[message][number]] = str(value, "utf-8")
            elif message == "TensorProto" and (number == EXTERNAL_DATA or (number == DATA_LOCATION and value)):
                sentence = "keeps weights in another file; only self-contained models are opened."
                raise Misconfigured(f"The model {name} {sentence}")
        if message == "NodeProto":
            used.add((texts["domain"], texts["op_type"]))
        elif message == "FunctionProto":
            brought.add((texts["domain"], texts["name"]))
    return used, brought


def _fields(part: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field; a memoryview where it is text, bytes, a message or packed numbers.

    Raises IndexError where the part ends within a field or has what protobuf does not know.
    """
    at, end = 0, len(part)
    while at < end:
        key, at = _varint(part, at)
        if key & 7 == _VARINT:
            value, at = _varint(part, at)
            yield key >> 3, value
            continue
        if key & 7 == _DELIMITED:
            length, at = _varint(part, at)
        elif key & 7 in {_EIGHT_BYTES, _FOUR_BYTES}:
            length = 8 if key & 7 == _EIGHT_BYTES else 4
        else:
            raise IndexError(key)
        if at + length > end:
            raise IndexError(length)
        yield key >> 3, part[at : at + length]
        at += length


def _varint(part: memoryview, at: int) -> tuple[int, int]:
    """The number that begins at `at`, and where it ends."""
    number = shift = 0
    while True:
        byte = part[at]
        number |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return number, at
        if shift > 63:
            raise IndexError(at)
