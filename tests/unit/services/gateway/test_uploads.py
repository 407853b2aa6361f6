"""Uploads as they come in."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from services.gateway.problems import Refusal
from services.gateway.settings import GatewaySettings
from services.gateway.uploads import FORM_BYTES, MAX_FIELD_BYTES, MAX_PARTS, Upload
from shared.model.errors import Rejected
from shared.model.media import MediaKind

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTINGS = GatewaySettings(max_image_bytes=100_000)
FORM = "multipart/form-data; boundary=b"
GIF = b"GIF89a"


def upload(pieces: Iterable[bytes], kind: str = FORM, query: bytes = b"") -> Upload:
    coming = iter([*pieces])

    async def receive() -> dict[str, Any]:
        body = next(coming, None)
        return {"type": "http.request", "body": body or b"", "more_body": body is not None}

    headers = [(b"content-type", kind.encode())]
    scope = {"type": "http", "method": "POST", "headers": headers, "query_string": query}
    return Upload(Request(scope, receive), SETTINGS, "max_image_bytes", ("look", "want"))


def part(name: str, body: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (name.encode(), body)


@given(file=st.binary(max_size=300), cuts=st.lists(st.integers(0, 600), max_size=8), first=st.booleans())
async def test_however_a_form_is_cut_the_file_is_the_same(file: bytes, cuts: list[int], first: bool) -> None:
    file = b"GIF89a\r\n--" + file.replace(b"--b", b"")
    parts = [part("file", file), part("look", b"natural")]
    body = b"".join(parts if first else reversed(parts)) + b"--b--\r\n"
    edges = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    coming = upload(body[start:end] for start, end in pairwise(edges))
    assert await coming.kind() is MediaKind.GIF
    assert await coming.body() == file
    assert coming.fields == {"look": "natural"}


async def test_fields_of_the_form_go_before_those_of_the_address() -> None:
    coming = upload([part("file", GIF) + part("look", b"none") + b"--b--\r\n"], query=b"look=natural&want=faces")
    await coming.body()
    assert coming.fields == {"look": "none", "want": "faces"}


@pytest.mark.parametrize(
    "body",
    [
        b"no form at all",
        part("file", GIF) + part("file", GIF) + b"--b--",
        part("look", b"") * (MAX_PARTS + 1) + b"--b--",
        part("look", bytes(MAX_FIELD_BYTES + 1)) + b"--b--",
    ],
)
async def test_what_is_no_proper_form_is_malformed(body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        await upload([body]).body()
    assert refused.value.code == "malformed-request"


@pytest.mark.parametrize("form", [part("detectr", b"x"), part("", b"x"), b"--b\r\n\r\nx\r\n"])
async def test_an_unknown_field_of_a_form_is_refused_before_the_file_comes(form: bytes) -> None:
    with pytest.raises(Refusal, match=r"there are: `file`, `look`, `want`\.") as refused:
        await upload([form, part("file", GIF)]).kind()
    assert refused.value.code == "invalid-parameter"


def test_an_unknown_field_of_the_address_is_refused_at_once() -> None:
    with pytest.raises(Refusal, match=r"no field 'wnat' here; there are: `look`, `want`\.") as refused:
        upload([], query=b"look=none&wnat=faces")
    assert refused.value.code == "invalid-parameter"


async def test_a_form_without_a_boundary_is_malformed() -> None:
    with pytest.raises(Refusal, match="boundary"):
        upload([], "multipart/form-data")


async def test_a_form_without_its_end_is_cut_off() -> None:
    with pytest.raises(Refusal) as refused:
        await upload([part("file", GIF)]).body()
    assert refused.value.code == "upload-cut-off"


async def test_a_form_without_a_file_is_empty() -> None:
    with pytest.raises(Rejected) as rejected:
        await upload([part("look", b"none") + b"--b--"]).kind()
    assert rejected.value.code == "empty"


@pytest.mark.parametrize("kind", [FORM, "video/mp4"])
async def test_the_limit_holds_for_what_does_not_say_its_length(kind: str) -> None:
    begin = part("file", b"")[:-2] if kind == FORM else b""
    with pytest.raises(Rejected, match="max_image_bytes"):
        await upload([begin, *[bytes(10_000)] * 11], kind).body()


async def test_what_stands_around_the_file_is_bounded_too() -> None:
    preamble = [b"--b--\r\n", *[bytes(50_000)] * (2 + FORM_BYTES // 50_000 + 2)]
    with pytest.raises(Rejected) as rejected:
        await upload(preamble).body()
    assert rejected.value.code == "too-large"
