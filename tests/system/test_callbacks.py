"""Calls back and events over the real service: what a receiver hears, and what somebody hears who comes back."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
import psutil  # type: ignore[import-untyped]  # has no stubs among our dependencies
import pytest

from tests.system.watching import wait_until
from tests.web import Web, serving
from visavis.client import Client
from visavis.stack import Stack, StackOptions
from visavis.webhooks import verify

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECONDS = 60.0


@pytest.fixture(scope="module")
def calling(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack that calls back, receivers of this machine included."""
    environment = {
        "VISAVIS_CALLBACK_SECRET": SECRET,
        "VISAVIS_CALLBACK_NETWORKS": "127.0.0.0/8",
        "VISAVIS_CALLBACK_RETRY_SECONDS": "0.5",
    }
    options = StackOptions(var=tmp_path_factory.mktemp("var"), models=models, environment=environment)
    with Stack(options) as running:
        yield running


@contextmanager
def handed_in(stack: Stack, clip: Path, callback: str) -> Iterator[tuple[Client, dict[str, Any]]]:
    """A job that has come to its end."""
    with Client(stack.rest) as client:
        job = client.submit_job(clip, callback=callback)
        for newer in client.events(job["id"]):
            job = newer
        assert job["state"] == "done"
        yield client, job


def is_delivered(client: Client, job: dict[str, Any]) -> bool:
    return bool(client.job(job["id"])["callback"]["state"] == "delivered")


def told_once(web: Web, job: dict[str, Any]) -> None:
    [(path, headers, body)] = web.posted
    document = verify(SECRET, headers, body)
    assert (path, headers["webhook-id"]) == ("/hook?token=1", f"{job['id']}-done")
    assert (document["id"], document["state"], document["frames"]) == (job["id"], "done", job["frames"])


def test_a_receiver_is_told_once_how_its_job_ended(calling: Stack, clip: Path) -> None:
    with serving() as web, handed_in(calling, clip, web.url("/hook?token=1")) as (client, job):
        wait_until(lambda: is_delivered(client, job), "the receiver is told")
        told_once(web, job)
    assert "token" not in (calling.logs / "gateway.log").read_text()


def test_a_receiver_that_was_away_is_told_by_whichever_gateway_is_there_then(calling: Stack, clip: Path) -> None:
    with serving() as web:
        port = web.port
    with handed_in(calling, clip, web.url("/hook?token=1")) as (client, job):
        wait_until(lambda: client.job(job["id"])["callback"]["tries"], "it was tried in vain")
        psutil.Process(calling.pid("gateway")).kill()
        wait_until(calling.watch, "the gateway is started again")
        calling.wait_for_restart("gateway")
        with serving(port) as web:
            wait_until(lambda: is_delivered(client, job), "the receiver is told")
            told_once(web, job)
        assert client.job(job["id"])["callback"]["tries"] > 1


def test_who_comes_back_hears_the_end_and_then_that_there_is_no_more(calling: Stack, clip: Path) -> None:
    with serving() as web, handed_in(calling, clip, web.url("/hook")) as (_, job):
        events = f"{calling.rest}/v1/jobs/{job['id']}/events"
        answer = httpx.get(events, headers={"Last-Event-ID": "1-1-running"}, timeout=SECONDS)
        ids = [line[4:] for line in answer.text.splitlines() if line.startswith("id: ")]
        assert [one.endswith("-done") for one in ids] == [True]
        assert httpx.get(events, headers={"Last-Event-ID": ids[0]}, timeout=SECONDS).status_code == 204


def test_without_a_secret_a_callback_is_refused_with_a_sentence(stack: Stack, clip: Path) -> None:
    fields = {"callback": "https://example.org/hook"}
    answer = httpx.post(f"{stack.rest}/v1/jobs", files={"file": clip.read_bytes()}, data=fields, timeout=SECONDS)
    assert (answer.status_code, answer.json()["code"]) == (422, "callback-refused")
    assert "VISAVIS_CALLBACK_SECRET" in answer.json()["detail"]
