"""A real browser (Debian's Chromium, headless) that a test looks through and clicks in, by its DevTools protocol."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from websockets.sync.client import ClientConnection, connect

from tests import ending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_SECONDS = 60
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip


class Browser:
    """One page."""

    def __init__(self, talk: ClientConnection, downloads: Path) -> None:
        self._talk, self._asked = talk, 0
        self.downloads = downloads
        downloads.mkdir()
        self._do("Page.enable")
        self._do("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(downloads))

    def go(self, address: str) -> None:
        """Open an address, and wait until its page is there."""
        self._do("Page.navigate", url=address)
        self.until(f"location.href === {json.dumps(address)} && document.readyState === 'complete'")

    def ask(self, expression: str) -> Any:
        """What an expression of JavaScript comes to in the page."""
        answer = self._do("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression holds; what it comes to then."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                found = self.ask(expression)
            except AssertionError:  # between two pages there is none
                found = None
            if found:
                return found
            assert time.monotonic() < end, f"{expression}: {self.ask('document.body.innerText')}"
            time.sleep(0.1)

    def click(self, selector: str) -> None:
        """Click with the mouse on what the selector finds first, as soon as it is there."""
        found = f"document.querySelector({json.dumps(selector)})"
        self.until(f"!!{found}")
        self.ask(f"{found}.scrollIntoView({{block: 'center'}})")
        x, y = self.ask(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({found}.getBoundingClientRect())")
        for kind in ("mousePressed", "mouseReleased"):
            self._do("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def write(self, selector: str, text: str) -> None:
        """Type into a field."""
        self.click(selector)
        self._do("Input.insertText", text=text)

    def press(self, key: str, code: int) -> None:
        """Press a key. code: of Windows' virtual keys, which the protocol wants."""
        for kind in ("rawKeyDown", "char", "keyUp"):
            text = {"Enter": "\r"}.get(key, key) if kind == "char" else ""
            self._do("Input.dispatchKeyEvent", type=kind, key=key, text=text, windowsVirtualKeyCode=code)

    def prefer(self, scheme: str) -> None:
        """light or dark, as the system's setting says it."""
        self._do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def scripts(self, *, on: bool) -> None:
        """Whether pages may run scripts, from the next on."""
        self._do("Emulation.setScriptExecutionDisabled", value=not on)

    def screenshot(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self._do("Page.captureScreenshot", format="png")["data"])

    def downloaded(self) -> Path:
        """The file that is downloaded, when it is whole."""
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            found = list(self.downloads.iterdir())
            if found and not any(one.suffix == ".crdownload" for one in found):
                return found[0]
            assert time.monotonic() < end, "nothing was downloaded"
            time.sleep(0.1)

    def _do(self, method: str, **params: Any) -> dict[str, Any]:
        self._asked += 1
        self._talk.send(json.dumps({"id": self._asked, "method": method, "params": params}))
        while True:
            said = json.loads(self._talk.recv(PATIENCE_SECONDS))
            if said.get("id") == self._asked:
                assert "error" not in said, (method, said["error"])
                result: dict[str, Any] = said["result"]
                return result


@contextmanager
def opened(program: str, folder: Path, address: str, *more: str) -> Iterator[Path]:
    """A browser that shows a page, and is ended afterwards; the folder of what it keeps, which lies in `folder`.

    program: of the fixture `chromium`. more: flags besides the usual.
    """
    profile = folder / "browser"
    with (folder / "browser.log").open("wb") as log:
        command = [program, *FLAGS, *more, f"--user-data-dir={profile}", address]
        running = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield profile
    finally:
        ending.end(running)


@contextmanager
def browsing(program: str, folder: Path) -> Iterator[Browser]:
    """A browser that does as it is told. program, folder: as of `opened`."""
    with (
        opened(program, folder, "about:blank", "--remote-debugging-port=0", "--window-size=1280,900") as profile,
        connect(_page_of(profile), max_size=None, compression=None) as talk,
    ):
        yield Browser(talk, folder / "downloads")


def _page_of(profile: Path) -> str:
    """The address of the first page's protocol, as soon as there is one."""
    port, end = profile / "DevToolsActivePort", time.monotonic() + PATIENCE_SECONDS
    while not port.exists() or not port.read_text().strip():
        assert time.monotonic() < end, "the browser did not start"
        time.sleep(0.1)
    pages = httpx.get(f"http://127.0.0.1:{port.read_text().split()[0]}/json/list", timeout=PATIENCE_SECONDS).json()
    address: str = next(one["webSocketDebuggerUrl"] for one in pages if one["type"] == "page")
    return address
