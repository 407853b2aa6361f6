"""The pages at /traces, as a browser asks for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from structlog.testing import CapturingLogger

from services.gateway.traces.pages import HEADERS
from services.gateway.traces.sign_in import COOKIE
from shared.model.keys import Quotas, Scope, split_key
from tests.unit.services.gateway.traces.spans import ROOT, TRACE, sent, span, still

if TYPE_CHECKING:
    import httpx

    from services.gateway.parts import Parts
    from shared.transport.keys import KeyRing

BROWSER = {"Accept": "text/html,application/xhtml+xml"}
OURS = BROWSER | {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def kept(parts: Parts) -> str:
    """A trace that is there; its id."""
    for body in still():
        parts.traces.take(body)
    return TRACE.hex()


async def test_the_list_leads_to_a_trace_and_the_trace_to_its_file(client: httpx.AsyncClient, kept: str) -> None:
    listed = await client.get("/traces", headers=BROWSER)
    assert f'<a href="/traces/{kept}">POST /v1/images</a>' in listed.text
    shown = await client.get(f"/traces/{kept}", headers=BROWSER)
    assert all(word in shown.text for word in (kept, "session-1", "blazeface", "detect", "render", 'class="wait"'))
    [address] = re.findall(r'id="download" [^>]*href="([^"]+)"', shown.text)
    file = await client.get(address)
    assert file.headers["content-disposition"] == f'attachment; filename="trace-{kept}.json"'
    assert file.json() == (await client.get(f"/v1/traces/{kept}")).json()
    for answer in (listed, shown, file):
        assert all(answer.headers[name] == value for name, value in HEADERS.items())


async def test_what_is_looked_for_stays_in_the_form(client: httpx.AsyncClient, kept: str) -> None:
    found = await client.get("/traces?state=ok&hop=detect&id=session-1&name=images", headers=BROWSER)
    assert kept in found.text
    assert all(word in found.text for word in ('value="session-1"', 'value="images"', 'value="detect" selected'))
    missed = await client.get("/traces?state=error", headers=BROWSER)
    assert kept not in missed.text
    assert 'id="none"' in missed.text


async def test_segments_lead_to_their_place_in_the_trace(client: httpx.AsyncClient, parts: Parts) -> None:
    one = span("ingest", b"segment!", 0, 5, job="job-1", segment=4, session="job-1-4-1-x", tries=1)
    parts.traces.take(sent("ingest", one))
    found = await client.get("/traces?what=segments", headers=BROWSER)
    span_id = b"segment!".hex()
    assert f'href="/traces/{TRACE.hex()}?span={span_id}#s-{span_id}"' in found.text
    assert f'id="s-{span_id}"' in (await client.get(f"/traces/{TRACE.hex()}?span={span_id}", headers=BROWSER)).text


async def test_names_in_a_trace_are_text(client: httpx.AsyncClient, parts: Parts) -> None:
    bad = "<script>alert(1)</script>\"' onload=x"
    parts.traces.take(
        sent("gateway", span(bad, ROOT, 0, 5, request=True, session=bad, failed=bad, job=bad, detector=bad))
    )
    for address in ("/traces", f"/traces/{TRACE.hex()}", f"/traces?id={bad}&name={bad}"):
        page = (await client.get(address, headers=BROWSER)).text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert" in page
        assert not re.search(r"""<[^>]*["'] onload=x""", page)


async def test_a_page_that_was_cut_says_what_it_lacks(client: httpx.AsyncClient, parts: Parts) -> None:
    most = parts.settings.trace_spans // 2
    many = [span("decode", n.to_bytes(8), n, n + 1, frame=n, frames=1) for n in range(1, most + 11)]
    for at in range(0, len(many), 1000):
        parts.traces.take(sent("ingest", *many[at : at + 1000]))
    shown = await client.get(f"/traces/{TRACE.hex()}", headers=BROWSER)
    left_out = len(many) - int(most * 0.9)
    assert f'<strong id="left-out">{left_out} more were left out</strong>' in shown.text
    assert 'rel="next" href="?from=250"' in shown.text
    assert shown.text.count("<details") == 250


async def test_a_browser_is_told_no_in_html_and_others_in_json(client: httpx.AsyncClient) -> None:
    for address, status in ((f"/traces/{'0' * 32}", 404), ("/traces?state=broken", 422), ("/traces/assets/x.js", 404)):
        page = await client.get(address, headers=BROWSER)
        assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
        problem = await client.get(address)
        assert problem.json()["status"] == status
        for answer in (page, problem):
            assert HEADERS.items() <= {name: answer.headers.get(name) for name in HEADERS}.items()


async def test_style_and_script_come_from_here(client: httpx.AsyncClient) -> None:
    page = (await client.get("/traces", headers=BROWSER)).text
    assert not re.search(r"<script(?! src=)|<style| style=| on\w+=", page)
    for address, kind in re.findall(r'(?:href|src)="(/traces/assets/[^"]+\.(css|js))"', page):
        answer = await client.get(address)
        assert (answer.status_code, {"css": "text/css", "js": "text/javascript"}[kind]) == (
            200, answer.headers["content-type"].partition(";")[0],
        )  # fmt: skip


@pytest.mark.parametrize("endpoint", ["", "http://collector:4318"])
async def test_who_has_a_collector_is_told_that_spans_go_there(
    client: httpx.AsyncClient, parts: Parts, endpoint: str
) -> None:
    object.__setattr__(parts, "settings", parts.settings.model_copy(update={"otlp_endpoint": endpoint}))
    assert ('id="collector"' in (await client.get("/traces", headers=BROWSER)).text) is bool(endpoint)


async def test_a_browser_signs_in_with_a_key_and_comes_to_what_it_wanted(
    client: httpx.AsyncClient, asking: Parts, ring: KeyRing
) -> None:
    key = await ring.add("shop", [Scope.PICTURES], Quotas())
    for body in still(owner=(split_key(key) or ("", ""))[0]):
        asking.traces.take(body)
    wanted = f"/traces/{TRACE.hex()}?from=0"
    asked = await client.get(wanted, headers=BROWSER)
    assert (asked.status_code, f'value="{wanted}"' in asked.text) == (401, True)
    assert (await client.post("/traces/sign-in", data={"key": "vv_no_key"}, headers=OURS)).status_code == 401
    assert COOKIE not in client.cookies
    answer = await client.post("/traces/sign-in", data={"key": key, "next": wanted}, headers=OURS)
    assert (answer.status_code, answer.headers["location"]) == (303, wanted)
    shown = await client.get(answer.headers["location"], headers=BROWSER)
    assert (shown.status_code, "Sign out" in shown.text, key in shown.text) == (200, True, False)
    await client.post("/traces/sign-out", headers=OURS)
    assert (await client.get(wanted, headers=BROWSER)).status_code == 401


async def test_a_key_sees_its_own_traces_and_operations_all(
    client: httpx.AsyncClient, asking: Parts, ring: KeyRing
) -> None:
    own, other, all_of_them = [
        await ring.add(name, [scope], Quotas())
        for name, scope in (("a", Scope.PICTURES), ("b", Scope.PICTURES), ("c", Scope.OPERATIONS))
    ]
    for body in still(owner=(split_key(own) or ("", ""))[0]):
        asking.traces.take(body)
    for key, sees in ((own, True), (other, False), (all_of_them, True)):
        headers = BROWSER | {"Cookie": f"{COOKIE}={key}", "Authorization": "Basic for-a-proxy"}
        assert (TRACE.hex() in (await client.get("/traces", headers=headers)).text) is sees
        for address in (f"/traces/{TRACE.hex()}", f"/traces/{TRACE.hex()}/otlp.json"):
            assert (await client.get(address, headers=headers)).status_code == (200 if sees else 404)


async def test_a_key_in_the_header_goes_before_one_in_the_cookie(
    client: httpx.AsyncClient, asking: Parts, ring: KeyRing
) -> None:
    key = await ring.add("shop", [Scope.PICTURES], Quotas())
    headers = {"Authorization": f"Bearer {key}", "Cookie": f"{COOKIE}=vv_no_key"}
    assert (await client.get("/traces", headers=headers)).status_code == 200


async def test_the_cookie_is_no_key_for_anything_else(client: httpx.AsyncClient, asking: Parts, ring: KeyRing) -> None:
    key = await ring.add("shop", list(Scope), Quotas())
    for address in ("/v1/traces", "/v1/models", "/metrics"):
        assert (await client.get(address, headers={"Cookie": f"{COOKIE}={key}"})).status_code == 401


async def test_where_no_keys_are_asked_for_none_is_kept(client: httpx.AsyncClient) -> None:
    for word in ("anything", "€uro"):
        answer = await client.post("/traces/sign-in", data={"key": word}, headers=OURS)
        assert (answer.status_code, answer.headers["location"]) == (303, "/traces")
        assert "set-cookie" not in answer.headers


@pytest.mark.usefixtures("asking")
async def test_a_refused_sign_in_is_logged_without_what_was_typed(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = CapturingLogger()
    monkeypatch.setattr("services.gateway.rest.trace_pages.log", log)
    for word in ("vv_no_key", "€uro", f"vv_{'a' * 8}_€uro", ""):
        refused = await client.post("/traces/sign-in", data={"key": word}, headers=OURS)
        assert (refused.status_code, "set-cookie" in refused.headers) == (401, False)
    assert [(call[0], call[1], call[2]) for call in log.calls] == [
        ("warning", ("sign-in refused",), {"code": "unauthenticated"})
    ] * 4


async def test_another_sites_form_signs_nobody_in(client: httpx.AsyncClient, asking: Parts, ring: KeyRing) -> None:
    key = await ring.add("shop", [Scope.PICTURES], Quotas())
    forged = await client.post("/traces/sign-in", data={"key": key}, headers=BROWSER | {"Sec-Fetch-Site": "cross-site"})
    assert (forged.status_code, COOKIE in client.cookies) == (403, False)


async def test_looking_at_traces_makes_none(
    client: httpx.AsyncClient, parts: Parts, spans: list[bytes], kept: str
) -> None:
    await client.get("/traces", headers=BROWSER)
    await client.get(f"/traces/{kept}", headers=BROWSER)
    parts.telemetry.close()
    assert spans == []
