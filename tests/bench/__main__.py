"""`make bench`: speed, delay, memory, accuracy and calm on this machine, written to out/bench.json.

`make bench ONLY="peer calm"` measures some parts only; the names are those of PARTS.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import uvloop

from services.detect.finding import FaceFinder
from services.detect.models.preparing import prepare
from shared.model.look_text import parse_look
from shared.runtime.settings import ServiceSettings
from shared.transport.nats_server import NatsServer
from tests.bench import (
    accuracy,
    accuracy_table,
    beside,
    calm,
    cold,
    frames,
    hops,
    jobs,
    live,
    looks,
    memory,
    peer,
    seeing,
    stills,
    throughput,
)
from tests.bench import models as model_runs
from visavis.client import Client
from visavis.sample import portrait_jpeg, write_sample
from visavis.settings import LocalSettings
from visavis.stack import ALLOCATOR, Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable

LOOK = json.dumps({"smooth": 0.5, "whiten": 0.5, "slim_face": 0.5, "enlarge_eyes": 0.5})
SHARED_CLIP = Path(__file__).parents[3] / "shared" / "media" / "signer_720p.mp4"
OUT = Path("out/bench.json")
ACCURACY, MODELS, TABLE = Path("docs/accuracy.md"), Path("docs/models.md"), "made by the bench"
LOOKS = Path("docs/looks.md")


def main() -> None:
    """Measure what was asked for, or everything; print it, write it, and renew the tables in docs."""
    if not ALLOCATOR.items() <= os.environ.items():  # our own stages get the allocator that the services have
        arguments = [sys.executable, "-m", "tests.bench", *sys.argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, **ALLOCATOR})  # noqa: S606
    asked = sys.argv[1:] or list(PARTS)
    if unknown := set(asked) - PARTS.keys():
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}.")
    models = LocalSettings().models.expanduser()
    prepare(models, print)
    figures = _former() if len(asked) < len(PARTS) else {}
    with TemporaryDirectory(prefix="visavis-bench-") as name:
        for part in asked:
            print(f"Measuring {part}...", flush=True)
            folder = Path(name) / part
            folder.mkdir()
            figures[part] = PARTS[part](folder, models)
            figures[part]["when"] = time.strftime("%Y-%m-%d %H:%M")
    figures["machine"] = f"{platform.processor() or platform.machine()}, Python {sys.version.split()[0]}"
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=1))
    print(json.dumps({key: _short(value) for key, value in figures.items()}, indent=1))
    print(f"Written to {OUT}")
    _renew_tables({part: figures[part] for part in asked})


def _former() -> dict[str, Any]:
    """What was measured before, so that a part can be measured again alone."""
    found: dict[str, Any] = json.loads(OUT.read_text()) if OUT.exists() else {}
    return found


def _renew_tables(figures: dict[str, Any]) -> None:
    measured = {part: found for part, found in figures.items() if "skipped" not in found}
    if "accuracy" in measured:
        ACCURACY.write_text(accuracy_table.table(measured["accuracy"]))
    if "models" in measured:
        _renew(MODELS, TABLE, model_runs.table(measured["models"]))
    if "looks" in measured:
        _renew(LOOKS, "speed", looks.table(measured["looks"]))


def _renew(page: Path, mark: str, text: str) -> None:
    """Put a text in the place of what stands between two marks of a page."""
    before, _, rest = page.read_text().partition(f"<!-- {mark} -->\n")
    _, _, after = rest.partition(f"<!-- /{mark} -->\n")
    page.write_text(f"{before}<!-- {mark} -->\n{text}\n<!-- /{mark} -->\n{after}")


def _throughput(folder: Path, models: Path) -> dict[str, Any]:
    clip, finder = _clip(folder), FaceFinder.load(models)
    traced = StackOptions(var=folder / "traced", models=models)
    untraced = StackOptions(var=folder / "untraced", models=models, environment={"OTEL_TRACES_SAMPLER": "always_off"})
    with Stack(traced) as stack, Client(stack.rest) as client, Stack(untraced) as other, Client(other.rest) as quiet:
        clients = {"services": client, "services_untraced": quiet}
        found = throughput.measure(clip, folder, parse_look(LOOK), LOOK, finder, clients)
    return {"clip": clip.name, "look": json.loads(LOOK), **found, "ratios": _ratios(found["median"])}


def _jobs(folder: Path, models: Path) -> dict[str, Any]:
    """In turn, one stack at a time: an idle one costs nothing that could be seen, but two of a job compete."""
    source = jobs.write_long(_clip(folder), folder / "long.mp4")
    uncut = StackOptions(var=folder / "uncut", models=models, environment={"VISAVIS_SEGMENT_SECONDS": "0"})
    cut = StackOptions(var=folder / "cut", models=models)
    with Stack(uncut) as one, Client(one.rest) as whole, Stack(cut) as other, Client(other.rest) as parts:
        found = jobs.measure(source, {"uncut": whole, "cut": parts})
        found["cut_to_uncut"] = found["median"]["cut"] / found["median"]["uncut"]
        store = (cut.var / "objects").resolve().as_uri()
        beside = StackOptions(
            var=folder / "beside", nats_url=other.nats_url, models=models, environment={"VISAVIS_STORE_URL": store}
        )
        with Stack(beside):
            found["two_lanes"] = jobs.measure(source, {"cut": parts})["median"]["cut"]
    return found


def _still(folder: Path, models: Path) -> dict[str, Any]:
    with Stack(StackOptions(var=folder, models=models)) as stack:
        return stills.measure(portrait_jpeg(), LOOK, FaceFinder.load(models), stack.rest)


def _memory(folder: Path, models: Path) -> dict[str, Any]:
    with Stack(StackOptions(var=folder / "var", models=models)) as stack, Client(stack.rest) as client:
        return memory.measure(stack, client, _clip(folder), LOOK)


def _live(folder: Path, models: Path) -> dict[str, Any]:
    with Stack(StackOptions(var=folder / "var", models=models)) as stack:
        return live.measure(stack, _clip(folder), FaceFinder.load(models))


def _beside(folder: Path, models: Path) -> dict[str, Any]:
    with Stack(StackOptions(var=folder / "var", models=models)) as stack, Client(stack.rest) as client:
        return beside.measure(stack, client, _clip(folder), folder)


def _peer(folder: Path, models: Path) -> dict[str, Any]:
    with Stack(StackOptions(var=folder / "var", models=models)) as stack, Client(stack.rest) as client:
        return peer.measure(client, folder)


def _seeing(folder: Path, models: Path) -> dict[str, Any]:
    found = seeing.throughput(folder, models, _clip(folder), LOOK)
    return {"throughput": found, "collectors": seeing.collectors(folder, models, portrait_jpeg(), LOOK)}


def _clip(folder: Path) -> Path:
    if SHARED_CLIP.exists():
        return SHARED_CLIP
    clip = folder / "sample.mp4"
    write_sample(clip)
    return clip


def _hop(folder: Path, _: Path) -> dict[str, Any]:
    """On a server and in the event loop that the services have, with nothing else running."""
    server = NatsServer(folder)
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


PARTS: dict[str, Callable[[Path, Path], dict[str, Any]]] = {
    "throughput": _throughput,
    "hop": _hop,
    "jobs": _jobs,
    "still": _still,
    "memory": _memory,
    "peer": _peer,
    "cold": lambda folder, models: cold.measure(_clip(folder), folder, models),
    "live": _live,
    "beside": _beside,
    "seeing": _seeing,
    "models": lambda folder, models: model_runs.measure(models, folder),
    "accuracy": lambda _, models: accuracy.measure(models),
    "calm": lambda _, models: calm.measure(models),
    "looks": lambda _, models: looks.measure(models),
    "frames": lambda _, models: frames.measure(models),
}
"""Each measures into a folder of its own, with the prepared models."""


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(inner) for key, inner in value.items() if not isinstance(inner, list)}
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
