"""What a client uploads, as it comes in: a form of fields and one file, or a raw body. Never in memory as a whole
unless asked for, never on disk."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from services.gateway.access import ANYBODY
from services.gateway.fields import refuse_unknown
from services.gateway.problems import Refusal
from shared.model.errors import Rejected
from shared.model.media import SNIFF_BYTES, MediaKind, sniff

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection

    from starlette.requests import Request

    from services.gateway.access import Caller
    from services.gateway.settings import GatewaySettings

MAX_FIELD_BYTES = 16 * 1024
MAX_PARTS = 16
FORM_BYTES = MAX_PARTS * (MAX_FIELD_BYTES + 4096)
"""What a form may have beside its file: fields, headers and boundaries."""


class _Form:
    """Turns multipart/form-data into fields and the pieces of the part called `file` (RFC 7578)."""

    def __init__(self, boundary: bytes, known: Collection[str]) -> None:
        self.fields: dict[str, str] = {}
        self._known = known
        self.pieces: deque[bytes] = deque()
        self.complete = False
        self._name = self._header = ""
        self._parts = 0
        self._value = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._begin,
                "on_header_field": self._header_name,
                "on_header_value": self._header_value,
                "on_header_end": self._header_end,
                "on_headers_finished": self._headers_end,
                "on_part_data": self._data,
                "on_part_end": self._end,
                "on_end": self._finish,
            },
        )

    def feed(self, body: bytes) -> None:
        """Take the next bytes of the body. Raises Refusal if they are no form."""
        try:
            self._parser.write(body)
        except FormParserError as error:
            raise Refusal("malformed-request", "The body is not a well-formed multipart/form-data form.") from error

    def _begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise Refusal("malformed-request", f"The form has more than {MAX_PARTS} parts.")
        self._name = self._header = ""
        self._value.clear()

    def _header_name(self, body: bytes, start: int, end: int) -> None:
        self._header += body[start:end].decode("latin-1").lower()

    def _header_value(self, body: bytes, start: int, end: int) -> None:
        self._value += body[start:end]

    def _header_end(self) -> None:
        if self._header == "content-disposition":
            _, options = parse_options_header(bytes(self._value))
            self._name = options.get(b"name", b"").decode(errors="replace")
            if self._name == "file" and "file" in self.fields:
                raise Refusal("malformed-request", "The form has more than one part called `file`.")
            if self._name == "file":
                self.fields["file"] = ""
        self._header = ""
        self._value.clear()

    def _headers_end(self) -> None:
        if self._name != "file":
            refuse_unknown((self._name,), ("file", *self._known))

    def _data(self, body: bytes, start: int, end: int) -> None:
        if self._name == "file":
            self.pieces.append(body[start:end])
            return
        self._value += body[start:end]
        if len(self._value) > MAX_FIELD_BYTES:
            raise Refusal("malformed-request", f"A field of the form has more than {MAX_FIELD_BYTES} bytes.")

    def _end(self) -> None:
        if self._name != "file":
            self.fields[self._name] = self._value.decode(errors="replace")
            self._value.clear()

    def _finish(self) -> None:
        self.complete = True


class Upload:
    """One upload. Fields of a form are complete when the file has been read to its end."""

    def __init__(self, request: Request, settings: GatewaySettings, limit: str, known: Collection[str]) -> None:
        """`limit` is the name of the setting that bounds the file, `known` the fields that may go with it.

        Raises Refusal `invalid-parameter` for another field in the address; one in the form is refused as it comes;
        and `quota-exceeded`, here or as it comes.
        """
        refuse_unknown(request.query_params, known)
        self._request = request
        caller: Caller = getattr(request.state, "caller", ANYBODY)
        self._quota = caller.quota
        self._stall_seconds = settings.upload_stall_seconds
        self._limit_name = limit
        self._limit = int(getattr(settings, limit))
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        self._form: _Form | None = None
        if kind == b"multipart/form-data":
            if not options.get(b"boundary"):
                raise Refusal("malformed-request", "The form's Content-Type names no boundary.")
            self._form = _Form(options[b"boundary"], known)
        self._most = self._limit + (FORM_BYTES if self._form else 0)
        self._received = 0
        self._announced()
        self.head = b""
        """What `beginning` has read."""
        self.size = 0
        """Bytes of the file so far."""
        self._pieces = self._counted()

    @property
    def fields(self) -> dict[str, str]:
        """The form's fields, and what stands in the address."""
        fields = dict(self._request.query_params)
        if self._form is not None:
            fields |= {name: value for name, value in self._form.fields.items() if name != "file"}
        return fields

    async def beginning(self) -> bytes:
        """The file's first bytes: SNIFF_BYTES or more, or all there is. Raises Rejected `empty`."""
        while len(self.head) < SNIFF_BYTES:
            piece = await anext(self._pieces, b"")
            if not piece:
                break
            self.head += piece
        if not self.head:
            raise _empty()
        return self.head

    async def kind(self) -> MediaKind:
        """What the file is, by its magic. Raises Rejected `empty` or `unsupported-media`."""
        kind = sniff(await self.beginning())
        if kind is None:
            known = ", ".join(MediaKind)
            raise Rejected("unsupported-media", f"The file's first bytes are of no kind that is read here ({known}).")
        return kind

    async def pieces(self) -> AsyncIterator[bytes]:
        """The file from its beginning, piece by piece, as it comes in."""
        if self.head:
            yield self.head
        async for piece in self._pieces:
            yield piece

    async def body(self) -> bytes:
        """The file as a whole. Raises Rejected `empty`."""
        whole = b"".join([piece async for piece in self.pieces()])
        if not whole:
            raise _empty()
        return whole

    def _announced(self) -> None:
        """Refuse by Content-Length what is too large, before it comes."""
        length = self._request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._most:
            raise self._too_large()
        self._quota.announce_bytes(int(length) if length.isdecimal() else 0)

    async def _counted(self) -> AsyncIterator[bytes]:
        async for piece in self._file():
            self.size += len(piece)
            if self.size > self._limit:
                raise self._too_large()
            yield piece

    async def _file(self) -> AsyncIterator[bytes]:
        async for body in self._stream():
            if self._form is None:
                yield body
                continue
            self._form.feed(body)
            while self._form.pieces:
                yield self._form.pieces.popleft()
        if self._form is not None and not self._form.complete:
            raise Refusal("upload-cut-off", "The form ends before its last boundary: the upload is not complete.")

    async def _stream(self) -> AsyncIterator[bytes]:
        stream = self._request.stream()
        while True:
            try:
                async with asyncio.timeout(self._stall_seconds):
                    body = await anext(stream, None)
            except TimeoutError as error:
                seconds = f"{self._stall_seconds:g}"
                raise Refusal("upload-stalled", f"Nothing came for {seconds} s (upload_stall_seconds).") from error
            if body is None:
                return
            self._received += len(body)
            self._quota.take_bytes(len(body))
            if self._received > self._most:
                raise self._too_large()
            if body:
                yield body

    def _too_large(self) -> Rejected:
        return Rejected("too-large", f"The file has more than {self._limit} bytes ({self._limit_name}).")


def _empty() -> Rejected:
    return Rejected("empty", "The upload is empty: send the file's bytes, or a form with a part called `file`.")
