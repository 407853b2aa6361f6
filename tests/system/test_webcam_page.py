"""The page docs/webcam.html in a real browser: what its camera sees comes back on the canvas."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.model.keys import Quotas, Scope
from shared.transport.keys import KeyRing
from shared.transport.store import ObjectStore
from tests.ports import free_ports
from tests.system.browser import opened
from tests.web import Desk, open_desk
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[2] / "docs" / "webcam.html"
PATIENCE_SECONDS = 60
CAMERA = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
_TELL = """<script>
setInterval(() => {
  const d = shown.width ? shown.getContext("2d").getImageData(0, 0, shown.width, shown.height).data : [0];
  const most = d.reduce((most, value, at) => (at % 4 == 1 ? Math.max(most, value) : most), 0);
  fetch(`/told?width=${shown.width}&most=${most}&said=${encodeURIComponent(told.textContent)}`);
}, 500);
</script>"""


class Site(Desk):
    """Serves the page, which tells what it shows."""

    told: dict[str, list[str]] = {}  # noqa: RUF012  -- one test has it

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        if asked.path == "/told":
            type(self).told = parse_qs(asked.query)
        body = PAGE.read_bytes() + _TELL.encode() if asked.path == "/webcam.html" else b""
        self.answer(200, body, {"Content-Type": "text/html"})


@pytest.mark.parametrize("keys", ["auto", "always"])
def test_a_page_sends_its_camera_and_shows_what_comes_back(
    models: Path, chromium: str, tmp_path: Path, keys: str
) -> None:
    Site.told = {}
    with open_desk(Site) as port:
        origin = f"http://127.0.0.1:{port}"
        allowed = {"VISAVIS_WEB_ORIGINS": origin, "VISAVIS_KEYS": keys}
        ring = KeyRing(ObjectStore.open((tmp_path / "var" / "objects").as_uri()))
        key = asyncio.run(ring.add("page", [Scope.STREAMS], Quotas())) if keys == "always" else ""
        with Stack(StackOptions(var=tmp_path / "var", models=models, environment=allowed)) as stack:
            address = f"{origin}/webcam.html?look=none&gateway={stack.rest.removeprefix('http://')}"
            address += f"#key={key}" if key else ""
            with opened(chromium, tmp_path, address, *CAMERA):
                told = seen()
    assert told["width"] == ["640"], told
    assert "over" not in told.get("said", [""])[0]


def test_a_page_whose_origin_is_not_taken_says_so(models: Path, chromium: str, tmp_path: Path) -> None:
    with open_desk(Site) as port, Stack(StackOptions(var=tmp_path / "var", models=models)) as stack:
        gateway = stack.rest.removeprefix("http://")
        assert "VISAVIS_WEB_ORIGINS" in said_by_page(chromium, tmp_path, port, gateway, *CAMERA)


def test_a_page_that_finds_no_gateway_says_so(chromium: str, tmp_path: Path) -> None:
    [nobody] = free_ports(1)
    with open_desk(Site) as port:
        said = said_by_page(chromium, tmp_path, port, f"127.0.0.1:{nobody}", *CAMERA)
    assert said.startswith("The gateway is not there"), said


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [((CAMERA[0], "--deny-permission-prompts"), "The camera was refused"), ((CAMERA[1],), "There is no camera")],
)
def test_a_page_without_a_camera_says_why(chromium: str, tmp_path: Path, flags: tuple[str, ...], sentence: str) -> None:
    with open_desk(Site) as port:
        said = said_by_page(chromium, tmp_path, port, "127.0.0.1:1", *flags)
    assert said.startswith(sentence), said


def said_by_page(chromium: str, folder: Path, port: int, gateway: str, *flags: str) -> str:
    """The first that the page says. port: of the site; gateway: host and port that it is to call."""
    Site.told = {}
    with opened(chromium, folder, f"http://127.0.0.1:{port}/webcam.html?gateway={gateway}", *flags):
        return told_when(lambda told: "said" in told)["said"][0]


def seen() -> dict[str, list[str]]:
    """What the page tells as soon as there is a picture on its canvas."""
    return told_when(lambda told: int(told.get("most", ["0"])[0]) >= 100)


def told_when(holds: Callable[[dict[str, list[str]]], bool]) -> dict[str, list[str]]:
    """What the page tells as soon as something holds of it."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds(told := Site.told):
        assert time.monotonic() < end, told
        time.sleep(0.2)
    return told
