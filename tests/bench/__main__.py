"""`make bench`: speed, delay and memory of the whole chain on this machine, written to out/bench.json."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from services.detect.finding import FaceFinder
from services.detect.models.preparing import prepare
from shared.model.looks import parse_look
from shared.runtime.settings import ServiceSettings
from shared.transport.nats_server import NatsServer
from tests.bench import hops, memory, stills, throughput
from visavis.client import Client
from visavis.sample import portrait_jpeg, write_sample
from visavis.settings import LocalSettings
from visavis.stack import ALLOCATOR, Stack, StackOptions

LOOK = json.dumps({"smooth": 0.5, "whiten": 0.5, "slim_face": 0.5, "enlarge_eyes": 0.5})
SHARED_CLIP = Path(__file__).parents[3] / "shared" / "media" / "signer_720p.mp4"
OUT = Path("out/bench.json")


def main() -> None:
    """Measure everything, print it and write it."""
    if not ALLOCATOR.items() <= os.environ.items():  # our own stages get the allocator that the services have
        os.execve(sys.executable, [sys.executable, "-m", "tests.bench"], {**os.environ, **ALLOCATOR})  # noqa: S606
    models = LocalSettings().models.expanduser()
    prepare(models, print)
    finder = FaceFinder.load(models)
    with TemporaryDirectory(prefix="visavis-bench-") as name:
        figures = _measure(Path(name), models, finder)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1))
    print(json.dumps({key: _short(value) for key, value in figures.items()}, indent=1))
    print(f"Written to {OUT}")


def _measure(folder: Path, models: Path, finder: FaceFinder) -> dict[str, Any]:
    clip = SHARED_CLIP
    if not clip.exists():
        clip = folder / "sample.mp4"
        write_sample(clip)
    traced = StackOptions(var=folder / "traced", models=models)
    untraced = StackOptions(var=folder / "untraced", models=models, environment={"OTEL_TRACES_SAMPLER": "always_off"})
    figures: dict[str, Any] = {"when": time.strftime("%Y-%m-%d %H:%M"), "clip": clip.name, "look": json.loads(LOOK)}
    figures["machine"] = f"{platform.processor() or platform.machine()}, Python {sys.version.split()[0]}"
    with Stack(traced) as stack, Client(stack.rest) as client, Stack(untraced) as other, Client(other.rest) as quiet:
        clients = {"services": client, "services_untraced": quiet}
        figures["throughput"] = found = throughput.measure(clip, folder, parse_look(LOOK), LOOK, finder, clients)
        figures["ratios"] = _ratios(found["median"])
    figures["hop"] = _hop(folder / "nats")
    with Stack(traced) as stack, Client(stack.rest) as client:
        figures["still"] = stills.measure(portrait_jpeg(), LOOK, finder, stack.rest)
        figures["memory"] = memory.measure(stack, client, clip, LOOK)
    return figures


def _hop(store: Path) -> dict[str, Any]:
    """On a server and in the event loop that the services have, with nothing else running."""
    server = NatsServer(store)
    server.start()
    try:
        return uvloop.run(hops.measure(server.url, ServiceSettings()))
    finally:
        server.stop()


def _ratios(medians: dict[str, float]) -> dict[str, float]:
    services = medians["services"]
    return {
        "services_to_transcode": services / medians["transcode"],
        "services_to_one_process": services / medians["one_process"],
        "tracing_cost": 1 - services / medians["services_untraced"],
    }


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items() if not isinstance(inner, list)}
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
