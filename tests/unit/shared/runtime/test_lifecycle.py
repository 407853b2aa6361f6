"""The life of a service process, looked at from outside."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
SERVICE = """
import asyncio
from shared.model.errors import Misconfigured
from shared.runtime import lifecycle
from shared.runtime.settings import LaneSettings

async def run(settings, draining):
    lifecycle.tell_ready(settings, rest="http://127.0.0.1:1")
    BODY

lifecycle.main("test", LaneSettings, run)
"""
DRAINS = "await draining.wanted()"
WAIT = "await asyncio.Event().wait()"


def start(body: str = WAIT, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SERVICE.replace("BODY", body)], cwd=ROOT, text=True, env={**os.environ, **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def start_ready(body: str = WAIT, **environment: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    ours, theirs = os.pipe()
    os.set_inheritable(theirs, True)
    process = subprocess.Popen(
        [sys.executable, "-c", SERVICE.replace("BODY", body)], cwd=ROOT, text=True, pass_fds=[theirs],
        env={**os.environ, "VISAVIS_READY_FD": str(theirs), **environment},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        return process, json.loads(pipe.readline())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_service_in_peace(number: signal.Signals) -> None:
    process, facts = start_ready()
    assert facts == {"rest": "http://127.0.0.1:1"}
    process.send_signal(number)
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (0, "")
    assert [json.loads(line)["message"] for line in out.splitlines()] == ["ready", "stopped"]


def events(out: str) -> list[str]:
    return [json.loads(line)["message"] for line in out.splitlines()]


def test_what_has_begun_is_brought_to_its_end_within_the_grace() -> None:
    process, _ = start_ready(f"{DRAINS}; await asyncio.sleep(0.2)", VISAVIS_DRAIN_SECONDS="60")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err, events(out)) == (0, "", ["ready", "draining", "drained"])


def test_what_is_not_over_after_the_grace_is_broken_off() -> None:
    process, _ = start_ready(f"{DRAINS}; {WAIT}", VISAVIS_DRAIN_SECONDS="0.3")
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err, events(out)) == (0, "", ["ready", "draining", "stopped"])


def test_a_second_signal_ends_the_grace() -> None:
    process, _ = start_ready(f"{DRAINS}; lifecycle.log.info('told'); {WAIT}", VISAVIS_DRAIN_SECONDS="600")
    process.send_signal(signal.SIGTERM)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err, events("".join(lines) + out)) == (0, "", ["ready", "draining", "told", "stopped"])


def test_a_misconfigured_service_says_so_in_a_sentence() -> None:
    process = start('raise Misconfigured("There is no model: run make models.")')
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (78, "visavis test: There is no model: run make models.\n")


def test_a_misconfigured_part_of_a_service_says_so_too() -> None:
    body = "async def part(): raise Misconfigured('No pool.')\n    await lifecycle.together(part(), asyncio.sleep(60))"
    process = start(body)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (78, "visavis test: No pool.\n")


def test_misconfiguration_in_a_part_of_a_part_says_so_too() -> None:
    body = (
        "async def part(): raise Misconfigured('No pool.')\n"
        "    await lifecycle.together(lifecycle.together(part(), asyncio.sleep(60)), asyncio.sleep(60))"
    )
    process = start(body)
    _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (78, "visavis test: No pool.\n")


def test_a_wrong_setting_is_named() -> None:
    process = start(VISAVIS_LANE="Not A Lane", VISAVIS_LOG_LEVEL="loud")
    _, err = process.communicate(timeout=10)
    assert process.returncode == 78
    assert err.startswith("visavis test: VISAVIS_LANE=Not A Lane: ")
    assert "; VISAVIS_LOG_LEVEL=loud: " in err
    assert err.count("\n") == 1


def test_a_bug_is_no_peaceful_end() -> None:
    process = start("raise ZeroDivisionError")
    out, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (1, "")
    *_, line = [json.loads(line) for line in out.splitlines()]
    assert (line["log.level"], line["error.type"]) == ("critical", "ZeroDivisionError")


def test_a_service_ends_with_its_parent() -> None:
    parent = (
        "import os, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {SERVICE.replace('BODY', WAIT)!r}], stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", parent], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "VISAVIS_DIE_WITH_PARENT": "true"},
    )  # fmt: skip
    pid = int(ended.stdout)
    for _ in range(500):
        if not is_running(pid):
            break
        time.sleep(0.01)
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    """A zombie has ended, whoever has not heard of it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
