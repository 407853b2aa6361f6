from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.services.render.outputs.nginx import Nginx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def nginx(tmp_path: Path) -> Iterator[Nginx]:
    folder = tmp_path / "nginx"
    folder.mkdir()
    server = Nginx(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()


class Notices(list[tuple[str, str]]):
    """What outlets told, in order."""

    def __call__(self, kind: str, detail: str) -> None:
        self.append((kind, detail))

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self]


@pytest.fixture
def notices() -> Notices:
    return Notices()
