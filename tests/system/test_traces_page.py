"""The pages of traces in a real browser, with what real services have sent."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import cv2
import httpx
import numpy as np

from tests.system.browser import browsing

if TYPE_CHECKING:
    from pathlib import Path

    from tests.system.browser import Browser
    from visavis.stack import Stack

JPEG = {"Content-Type": "image/jpeg"}
LANE = {"visavis-gateway", "visavis-ingest", "visavis-detect", "visavis-render"}
PATIENCE_SECONDS = 60


def whole(rest: str, trace_id: str) -> str:
    """The trace's id, once spans of all services have come."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        found = httpx.get(f"{rest}/v1/traces?id={trace_id}").json()["traces"]
        if found and set(found[0]["services"]) == LANE:
            return trace_id
        assert time.monotonic() < end, found
        time.sleep(0.1)


def brightness(page: Browser) -> float:
    """Of what is seen, 0..255."""
    return float(cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_GRAYSCALE).mean())


def test_one_clicks_from_the_list_to_a_trace_and_takes_it_home(
    stack: Stack, portrait: bytes, chromium: str, tmp_path: Path
) -> None:
    url = f"{stack.rest}/v1/images"
    good, other = (httpx.post(url, content=portrait, headers=JPEG, timeout=60) for _ in range(2))
    bad = httpx.post(url, content=portrait[:2000], headers=JPEG, timeout=60)
    assert [one.status_code for one in (good, other, bad)] == [200, 200, 422]
    trace_id, _ = (whole(stack.rest, one.headers["X-Visavis-Trace-Id"]) for one in (good, other))
    with browsing(chromium, tmp_path) as page:
        page.go(f"{stack.rest}/traces")
        page.write("#id", trace_id[:12])
        page.press("Enter", 13)
        page.until("document.querySelectorAll('.list tbody tr').length === 1")
        page.click(".list tbody a")
        page.until(f"location.pathname === '/traces/{trace_id}' && document.readyState === 'complete'")
        rows = page.ask("[...document.querySelectorAll('details .name')].map(e => e.firstChild.textContent.trim())")
        assert rows == ["POST /v1/images", "ingest", "detect", "render"]
        assert page.ask("document.querySelectorAll('rect.wait').length") == 3
        assert page.ask("document.querySelectorAll('.times tbody tr').length") == 2
        page.click("details:nth-of-type(3) summary")
        page.until("document.querySelector('details[open]').innerText.includes('face-mesh')")
        page.click("#download")
        file = page.downloaded()
        assert file.name == f"trace-{trace_id}.json"
        assert json.loads(file.read_text()) == httpx.get(f"{stack.rest}/v1/traces/{trace_id}").json()
        for scheme, low, high in (("light", 200, 256), ("dark", 0, 80)):
            page.prefer(scheme)
            assert low < brightness(page) < high
        assert not page.ask("document.getElementById('copy').hidden")
        page.scripts(on=False)
        page.go(f"{stack.rest}/traces/{trace_id}")
        assert page.ask("document.getElementById('copy').hidden"), "a script has run"
        page.click("header .home")
        page.until("location.pathname === '/traces' && !!document.querySelector('.list')")
        page.scripts(on=True)
        page.go(f"{stack.rest}/traces?state=error&name=images")
        broken = f'a[href="/traces/{bad.headers["X-Visavis-Trace-Id"]}"]'
        page.until(f"!!document.querySelector({json.dumps(broken)}) || location.reload()")
