"""Everything that a service tells: its logs, its spans and metrics by OTLP, its metrics pages, and all of its bus.

And a scanner that finds in it what was planted, however it is written.
"""

from __future__ import annotations

import asyncio
import base64
import fnmatch
import threading
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import nats
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nats.aio.client import Client
    from nats.aio.msg import Msg

    from tests.collecting import Collector

PATIENCE_SECONDS = 60
SAMPLED_POINTS = 3


class Said(NamedTuple):
    """Something that was told, and where."""

    place: str
    """`log <service>`, `otlp <path>`, `metrics <service>`, `bus <subject>`; of what a stream keeps `kept <subject>`."""
    what: bytes
    body: bytes = b""
    """Of a message of the bus, the last part of `what`."""


def spellings(secret: bytes) -> set[bytes]:
    """How a secret can be written: as it is, in a URL, in JSON's and Python's text, in hexadecimal, in base64.

    base64 has three spellings, by where in its text the secret begins; what depends on its neighbours is left out.
    """
    text = secret.decode("latin-1")
    coded = set()
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + secret).decode()
        coded.add(whole[-(-shift * 8 // 6) : len(whole) - 4].encode())
    quoted = {quote(text, safe=safe).encode() for safe in ("", "/")}
    return {secret, *quoted, secret.hex().encode(), *(one for one in coded if len(one) >= 8)}


def spellings_of_landmarks(landmarks: np.ndarray) -> set[bytes]:
    """[n, 2..] float32 pixels: a few of the points as they travel, and as numbers of text with a decimal or more."""
    found: set[bytes] = set()
    for point in np.asarray(landmarks, np.float32)[:: max(1, len(landmarks) // SAMPLED_POINTS), :2]:
        found |= {point.astype("<f4").tobytes(), point.astype("<f8").tobytes()}
        for form in (".1f", ".2f", ".3f", ""):
            x, y = (format(float(value), form) for value in point)
            found |= {f"{x}{between}{y}".encode() for between in (",", ", ", " ", ";")}
    return found


def hits(told: Iterable[Said], planted: Mapping[str, set[bytes]]) -> dict[str, set[str]]:
    """By what was planted, the places where it was found."""
    found: dict[str, set[str]] = {}
    for place, what, _ in told:
        for name, forms in planted.items():
            if any(form in what for form in forms):
                found.setdefault(name, set()).add(place)
    return found


def outside(places: Iterable[str], allowed: Iterable[str]) -> set[str]:
    """The places that no pattern allows; `*` stands for any text."""
    return {one for one in places if not any(fnmatch.fnmatchcase(one, pattern) for pattern in allowed)}


def said_to(collector: Collector) -> list[Said]:
    """All that a collector has got."""
    return [Said(f"otlp {path}", body) for path, body in collector.received]


class Overheard:
    """A subscriber to every subject of a NATS server, in a thread of its own."""

    def __init__(self, url: str) -> None:
        self.said: list[Said] = []
        self._url = url
        self._begun, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen()), daemon=True)

    def __enter__(self) -> Overheard:
        self._thread.start()
        assert self._begun.wait(PATIENCE_SECONDS)
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE_SECONDS)

    async def _listen(self) -> None:
        client = await nats.connect(self._url)
        try:
            await client.subscribe(">", cb=self._note)
            await client.flush()
            self._begun.set()
            await asyncio.to_thread(self._over.wait)
            await client.flush()
            self.said += await _kept(client)
        finally:
            await client.close()

    async def _note(self, message: Msg) -> None:
        head = f"{message.subject}\n{message.reply}\n{_lines(message.headers)}\n"
        self.said.append(Said(f"bus {_subject(message)}", head.encode() + message.data, message.data))


async def _kept(client: Client) -> list[Said]:
    """What the streams hold now, message by message."""
    stream, found = client.jetstream(), []
    for info in await stream.streams_info():
        state = info.state
        for number in range(state.first_seq, state.last_seq + 1) if state.messages else ():
            try:
                message = await stream.get_msg(info.config.name or "", number)
            except nats.js.errors.NotFoundError:
                continue
            body = message.data or b""
            found.append(Said(f"kept {message.subject}", f"{_lines(message.headers)}\n".encode() + body, body))
    return found


def _subject(message: Msg) -> str:
    """Of what is fetched from a stream that of the message: the server answers to an inbox."""
    return (message.headers or {}).get("Nats-Subject", message.subject)


def _lines(headers: Mapping[str, str] | None) -> str:
    return "\n".join(f"{name}: {value}" for name, value in (headers or {}).items())
