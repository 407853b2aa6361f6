"""The stack with services of three lines each, real processes all the same."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from shared.model.errors import Misconfigured
from visavis import stack as module
from visavis.stack import LANE_SERVICES, SERVICES, Stack, StackOptions, _cleared

if TYPE_CHECKING:
    from collections.abc import Callable

FAKE = """
import json, os, signal, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

def run(name):
    mode = (Path("modes") / name).read_text() if (Path("modes") / name).exists() else ""
    if "-" not in os.environ["VISAVIS_LANE"]:
        Path(f"{name}.json").write_text(json.dumps(dict(os.environ)))
    else:
        Path(f"{name}-{os.environ['VISAVIS_LANE'][-1]}.json").write_text(json.dumps(dict(os.environ)))
    if mode.startswith("exit"):
        print("a line before", "The sentence of the end.", sep="\\n", flush=True)
        sys.exit(int(mode.split()[1]))
    if mode == "bug":
        print(json.dumps({"error.type": "ZeroDivisionError", "error.message": "by zero"}), flush=True)
        sys.exit(1)
    if mode == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    server = HTTPServer(("127.0.0.1", int(os.environ["VISAVIS_REST_PORT"]) if name == "gateway" else 0), Desk)
    facts = {"rest": f"http://127.0.0.1:{server.server_port}", "grpc": "127.0.0.1:7"} if name == "gateway" else {}
    if mode != "slow":
        os.write(int(os.environ["VISAVIS_READY_FD"]), json.dumps(facts).encode() + b"\\n")
    server.serve_forever()

class Desk(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"lanes": [os.environ["VISAVIS_LANE"] + end for end in ("", "-1", "-2")]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
"""

MPS = """#!/bin/sh
[ "$1" = -f ] || exec kill "$(cat mps)"
echo $$ >mps
touch "$CUDA_MPS_PIPE_DIRECTORY/control"
exec sleep 60
"""


class House:
    """A folder from which `python -m services.<name>` starts a service that does next to nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.options = StackOptions(var=folder / "var", nats_url="nats://127.0.0.1:1")
        for name in ("services", "modes"):
            (folder / name).mkdir()
        (folder / "services" / "__init__.py").touch()
        (folder / "services" / "fake.py").write_text(FAKE)
        for name in SERVICES:
            (folder / "services" / f"{name}.py").write_text(f"from services.fake import run\nrun({name!r})\n")
        self._before = set(self._running())

    def let(self, name: str, mode: str) -> None:
        (self.folder / "modes" / name).write_text(mode)

    def environment(self, name: str) -> dict[str, str]:
        found: dict[str, str] = json.loads((self.folder / f"{name}.json").read_text())
        return found

    def children(self) -> list[psutil.Process]:
        """Services that have begun since: those of system tests of the same run are none of its own."""
        return [one for one in self._running() if one not in self._before]

    @staticmethod
    def _running() -> list[psutil.Process]:
        found = psutil.Process().children(recursive=True)
        return [one for one in found if "services." in " ".join(House.words_of(one))]

    @staticmethod
    def words_of(process: psutil.Process) -> list[str]:
        """None for a dead one, which may be reaped at any moment, also while it is asked."""
        try:
            return process.cmdline()  # type: ignore[no-any-return]  # psutil says nothing of types
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            return []


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    monkeypatch.chdir(tmp_path)
    return House(tmp_path)


def kill(stack: Stack, name: str) -> None:
    os.kill(stack.pid(name), signal.SIGKILL)
    wait_for_the_end(stack, name)


def wait_for_the_end(stack: Stack, name: str) -> None:
    """Until the process is dead; its status is left for the stack to read."""
    os.waitid(os.P_PID, stack.pid(name), os.WEXITED | os.WNOWAIT)


def test_every_service_belongs_to_one_lane_under_a_name_of_its_own(house: House) -> None:
    with Stack(house.options) as stack:
        found = [house.environment(name) for name in SERVICES]
        assert stack.rest.startswith("http://127.0.0.1:")
        assert stack.grpc == "127.0.0.1:7"
    assert {one["VISAVIS_LANE"] for one in found} == {stack.lane}
    assert len({one["VISAVIS_WORKER"] for one in found}) == len(SERVICES)
    assert {one["VISAVIS_NATS_URL"] for one in found} == {"nats://127.0.0.1:1"}
    assert {one["VISAVIS_DIE_WITH_PARENT"] for one in found} == {"1"}


def test_settings_of_the_caller_reach_the_services(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MAX_FACES", "3")
    options = StackOptions(
        var=house.options.var,
        nats_url="nats://127.0.0.1:1",
        models=house.folder,
        effects=house.folder,
        environment={"VISAVIS_JOBS": "5"},
    )
    with Stack(options):
        found = house.environment("detect")
    assert (found["VISAVIS_MAX_FACES"], found["VISAVIS_JOBS"]) == ("3", "5")
    assert found["VISAVIS_MODELS"] == found["VISAVIS_EFFECTS"] == str(house.folder)


def test_services_are_told_of_the_daemon_that_shares_their_card_and_it_ends_with_them(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = house.folder / "nvidia-cuda-mps-control"
    program.write_text(MPS)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{house.folder}:{os.environ['PATH']}")
    with Stack(dataclasses.replace(house.options, mps=True)) as stack:
        told = house.environment("detect")["CUDA_MPS_PIPE_DIRECTORY"]
        daemon = psutil.Process(int((house.folder / "mps").read_text()))
        daemon.kill()
        daemon.wait()
        assert stack.watch() == ["mps"]
        assert house.environment("render")["CUDA_MPS_PIPE_DIRECTORY"] == told
        again = int((house.folder / "mps").read_text())
    assert not psutil.pid_exists(again)
    assert not Path(told).exists()


def test_nothing_runs_when_it_is_left(house: House) -> None:
    with Stack(house.options) as stack:
        assert {one.pid for one in house.children()} == {stack.pid(name) for name in SERVICES}
    assert house.children() == []


def test_several_lanes_have_services_and_settings_of_their_own_and_one_gateway(house: House) -> None:
    lanes = ({"VISAVIS_CARD": "0"}, {"VISAVIS_CARD": "1"}, {"VISAVIS_CARD": "none"})
    with Stack(dataclasses.replace(house.options, lanes=lanes)) as stack:
        found = [house.environment(f"{name}{end}") for end in ("", "-1", "-2") for name in LANE_SERVICES]
        assert len(house.children()) == 3 * len(LANE_SERVICES) + 1
        assert (stack.lane, len(set(stack.lanes))) == (stack.lanes[0], 3)
        pids = {stack.pid(name) for name in ("ingest", "ingest-1", "render-2", "gateway")}
        assert len(pids) == 4
        assert (stack.logs / "detect-2.log").exists()
    assert [one["VISAVIS_LANE"] for one in found] == [lane for lane in stack.lanes for _ in LANE_SERVICES]
    assert [one["VISAVIS_CARD"] for one in found] == [card for card in ("0", "1", "none") for _ in LANE_SERVICES]
    assert house.environment("gateway")["VISAVIS_LANE"] == stack.lane
    assert house.children() == []


def test_a_lane_has_as_many_workers_as_are_asked_for_and_one_ingest(house: House) -> None:
    with Stack(dataclasses.replace(house.options, lanes=({}, {}), workers=2)) as stack:
        names = ["ingest", "detect", "detect.1", "render", "render.1", "render-1", "render-1.1", "gateway"]
        assert len({stack.pid(name) for name in names}) == len(names)
        assert len(house.children()) == 2 * 5 + 1
        assert (stack.logs / "detect-1.1.log").exists()
    assert house.children() == []


def test_a_service_of_another_lane_comes_back_in_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTART_PAUSE_SECONDS", 0.0)
    with Stack(dataclasses.replace(house.options, lanes=({}, {}))) as stack:
        former = house.environment("render-1")["VISAVIS_WORKER"]
        kill(stack, "render-1")
        assert stack.watch() == ["render-1"]
        stack.wait_for_restart("render-1")
        again = house.environment("render-1")
        assert (again["VISAVIS_LANE"], again["VISAVIS_WORKER"] != former) == (stack.lanes[1], True)


def test_a_service_that_does_not_listen_is_killed(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.3)
    house.let("render", "deaf")
    with Stack(house.options):
        pass
    assert house.children() == []


def test_a_service_that_died_comes_back_under_another_name_at_the_same_address(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RESTART_PAUSE_SECONDS", 0.0)
    with Stack(house.options) as stack:
        address, former = stack.rest, house.environment("gateway")["VISAVIS_WORKER"]
        stack.watch()
        assert stack.restarts == 0
        kill(stack, "gateway")
        stack.watch()
        stack.wait_for_restart("gateway")
        assert (stack.rest, stack.restarts) == (address, 1)
        assert house.environment("gateway")["VISAVIS_WORKER"] != former
        assert len(house.children()) == len(SERVICES)


@pytest.mark.parametrize("status", [1, 78])
def test_a_service_that_cannot_start_says_why_and_takes_all_with_it(house: House, status: int) -> None:
    house.let("detect", f"exit {status}")
    with pytest.raises(Misconfigured, match=r"Detect did not start: The sentence of the end\."):
        Stack(house.options).__enter__()
    assert house.children() == []


def test_a_service_that_ends_by_a_bug_says_which_and_no_json(house: House) -> None:
    house.let("detect", "bug")
    with pytest.raises(Misconfigured, match=r"^Detect did not start: ZeroDivisionError: by zero$"):
        Stack(house.options).__enter__()


def test_a_service_that_cannot_come_back_is_not_started_again_and_again(house: House) -> None:
    with Stack(house.options) as stack:
        house.let("render", "exit 78")
        kill(stack, "render")
        stack.watch()
        wait_for_the_end(stack, "render")
        with pytest.raises(Misconfigured, match="The sentence of the end"):
            stack.watch()


def test_a_service_that_is_never_ready_is_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READY_SECONDS", 2.0)
    house.let("ingest", "slow")
    with pytest.raises(Misconfigured, match=r"Not ready after 2 s: .*ingest"):
        Stack(house.options).__enter__()
    assert house.children() == []


def test_no_descriptor_is_left_open(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTART_PAUSE_SECONDS", 0.0)
    with Stack(house.options) as stack:
        kill(stack, "detect")
        stack.watch()
    before = _descriptors()
    with Stack(house.options) as stack:
        kill(stack, "detect")
        stack.watch()
    assert _descriptors() == before


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  -- what stands there is all that is wanted


def test_a_port_is_the_former_one_or_else_the_one_asked_for() -> None:
    wanted: Callable[[Any, int], str] = module._port
    assert (wanted("http://127.0.0.1:8700", 0), wanted(None, 8701), wanted("[::1]:9", 0)) == ("8700", "8701", "9")


def test_recordings_that_were_not_stored_outlive_the_work_files_around_them(tmp_path: Path) -> None:
    kept, gone = tmp_path / "render-a-1", tmp_path / "render-a-2"
    (kept / "stream.session.recording").mkdir(parents=True)
    (kept / "stream.session.recording" / "a.mp4").touch()
    (gone / "stream.session.recording").mkdir(parents=True)
    assert not _cleared(kept)
    assert _cleared(gone)
    assert list(tmp_path.iterdir()) == [kept]
