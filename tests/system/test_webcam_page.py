"""The page docs/webcam.html in a real browser: what its camera sees comes back on the canvas."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from shared.model.keys import Quotas, Scope
from shared.transport.keys import KeyRing
from shared.transport.store import ObjectStore
from tests.system.browser import opened
from tests.web import Desk, open_desk
from visavis.stack import Stack, StackOptions

PAGE = Path(__file__).parents[2] / "docs" / "webcam.html"
PATIENCE_SECONDS = 60
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
    camera = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")
    with open_desk(Site) as port:
        origin = f"http://127.0.0.1:{port}"
        allowed = {"VISAVIS_WEB_ORIGINS": origin, "VISAVIS_KEYS": keys}
        ring = KeyRing(ObjectStore.open((tmp_path / "var" / "objects").as_uri()))
        key = asyncio.run(ring.add("page", [Scope.STREAMS], Quotas())) if keys == "always" else ""
        with Stack(StackOptions(var=tmp_path / "var", models=models, environment=allowed)) as stack:
            address = f"{origin}/webcam.html?look=none&gateway={stack.rest.removeprefix('http://')}"
            address += f"#key={key}" if key else ""
            with opened(chromium, tmp_path, address, *camera):
                told = seen()
    assert told["width"] == ["640"], told
    assert "over" not in told.get("said", [""])[0]


def seen() -> dict[str, list[str]]:
    """What the page tells as soon as there is a picture on its canvas."""
    end = time.monotonic() + PATIENCE_SECONDS
    while int(Site.told.get("most", ["0"])[0]) < 100:
        assert time.monotonic() < end, Site.told
        time.sleep(0.2)
    return Site.told
