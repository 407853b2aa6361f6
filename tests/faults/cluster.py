"""`make cluster`: what the loss of a NATS node, a lane and a whole host costs, and what a cluster and a second lane do.

python -m tests.faults.cluster [--rounds 10] [--only elections hops lanes hosts throughput] [--out FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import uvloop

from services.detect.models.preparing import prepare
from shared.runtime.settings import ServiceSettings
from shared.transport.nats_bus import NatsBus
from shared.transport.nats_server import NatsServer
from shared.transport.topology import FRAMES, JOBS, STREAMS
from tests.bench import hops
from tests.faults.lanes import Lanes
from tests.nats_cluster import NatsCluster
from tests.system.fleet import Fleet
from visavis.sample import portrait_jpeg
from visavis.settings import LocalSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.transport.topology import Stream

SUBJECTS = {JOBS: "jobs.plan.measured", FRAMES: "lane.measured.detect"}
LOSSES = {
    "a node is killed": (JOBS, signal.SIGKILL),
    "a node is killed, frames": (FRAMES, signal.SIGKILL),
    "a node is stopped (SIGTERM)": (JOBS, signal.SIGTERM),
    "a node is stopped (SIGTERM), frames": (FRAMES, signal.SIGTERM),
}
"""Of the node that leads a stream."""


def main() -> int:
    """Measure and write."""
    asked = _arguments()
    models = LocalSettings().models.expanduser()
    prepare(models, print)
    found: dict[str, Any] = {"began": time.strftime("%Y-%m-%d %H:%M"), "load_before": os.getloadavg()}
    with TemporaryDirectory(prefix="visavis-cluster-") as name:
        for part in asked.only:
            folder = Path(name) / part
            folder.mkdir()
            found[part] = {"load": os.getloadavg()[0], **PARTS[part](folder, models, asked.rounds)}
            print(json.dumps({part: found[part]}), flush=True)
            asked.out.parent.mkdir(parents=True, exist_ok=True)
            asked.out.write_text(json.dumps(found, indent=1))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.cluster")
    parser.add_argument("--rounds", type=int, default=10, help="times that each loss is made")
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=list(PARTS), help="some parts")
    parser.add_argument("--out", type=Path, default=Path("out/cluster.json"))
    return parser.parse_args()


def spread(seconds: list[float]) -> dict[str, Any]:
    """What is told of some times."""
    return {"p50": round(median(seconds), 2), "max": round(max(seconds), 2), "each": [round(one, 2) for one in seconds]}


def _elections(folder: Path, _models: Path, rounds: int) -> dict[str, Any]:
    """Seconds from the loss of a stream's leader until the bus has taken the next message for that stream."""
    with NatsCluster.on_loopback(folder) as cluster:
        return asyncio.run(_elected(cluster, rounds))


async def _elected(cluster: NatsCluster, rounds: int) -> dict[str, Any]:
    bus = await NatsBus.connect(cluster.urls, "measure")
    found: dict[str, list[float]] = {name: [] for name in LOSSES}
    for _ in range(rounds):
        for name, (stream, number) in LOSSES.items():
            await cluster.whole([one.name for one in STREAMS])
            found[name].append(await _lost(cluster, bus, stream, number))
    await bus.close()
    return {name: spread(seconds) for name, seconds in found.items()}


async def _lost(cluster: NatsCluster, bus: NatsBus, stream: Stream, number: signal.Signals) -> float:
    node = await cluster.leader(stream.name)
    assert node.process is not None
    await bus.publish(SUBJECTS[stream], b"before")
    node.process.send_signal(number)
    began = time.monotonic()
    if number == signal.SIGTERM:
        await asyncio.to_thread(node.process.wait)
    await bus.publish(SUBJECTS[stream], b"after")
    seconds = time.monotonic() - began
    node.kill()
    cluster.start(node)
    await bus.purge(SUBJECTS[stream])
    return seconds


def _hops(folder: Path, _models: Path, rounds: int) -> dict[str, Any]:
    """Milliseconds of a hop on a server that is alone, and in a cluster whose three nodes all keep it; in turn."""
    server = NatsServer(folder / "alone")
    found: dict[str, list[float]] = {"alone": [], "cluster": []}
    server.start()
    try:
        with NatsCluster.on_loopback(folder / "cluster") as cluster:
            for _ in range(max(1, rounds // 3)):
                for name, url in (("alone", server.url), ("cluster", cluster.urls)):
                    found[name].append(uvloop.run(hops.stage_hop(url, ServiceSettings())))
    finally:
        server.stop()
    return {name: {"median_ms": round(median(one), 3), "each": one} for name, one in found.items()}


def _of_fleet(measure: Callable[[Lanes, int], dict[str, Any]]) -> Callable[[Path, Path, int], dict[str, Any]]:
    def part(folder: Path, models: Path, rounds: int) -> dict[str, Any]:
        with Fleet(folder, models, {"VISAVIS_SEGMENT_SECONDS": "2"}) as fleet:
            return measure(Lanes(fleet, folder, portrait_jpeg()), rounds)

    return part


def _lanes(lanes: Lanes, rounds: int) -> dict[str, Any]:
    """Seconds of a job of one segment: undisturbed, and from the death of the lane that works on it."""
    undisturbed = [lanes.undisturbed() for _ in range(rounds)]
    return {"undisturbed": spread(undisturbed), "lane killed": spread([lanes.killed() for _ in range(rounds)])}


def _hosts(lanes: Lanes, rounds: int) -> dict[str, Any]:
    """The same where nothing reaches the lane's host any more, and the node of NATS on it."""
    return {"host unplugged": spread([lanes.unplugged() for _ in range(rounds)])}


def _throughput(lanes: Lanes, rounds: int) -> dict[str, Any]:
    """Frames a second of the same jobs by two lanes and by one."""
    return lanes.throughput(max(1, rounds // 2))


PARTS: dict[str, Callable[[Path, Path, int], dict[str, Any]]] = {
    "elections": _elections,
    "hops": _hops,
    "lanes": _of_fleet(_lanes),
    "hosts": _of_fleet(_hosts),
    "throughput": _of_fleet(_throughput),
}

if __name__ == "__main__":
    sys.exit(main())
