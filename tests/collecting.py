"""An OpenTelemetry collector as small as can be: OTLP over HTTP."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.web import Desk, open_desk

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Collector:
    """Keeps all that it gets as it came."""

    url: str = ""
    received: list[tuple[str, bytes]] = field(default_factory=list)
    """Path and body of each request."""


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector that takes what comes, within the context."""
    collector = Collector()

    class Taking(Desk):
        def do_POST(self) -> None:
            collector.received.append((self.path, self.body()))
            self.answer(200)

    with open_desk(Taking) as port:
        collector.url = f"http://127.0.0.1:{port}"
        yield collector
