"""`visavis demo`: one clip through the whole service, with a picture of the difference and a table of the hops."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from services.detect.models.preparing import prepare
from shared.model.errors import Rejected, Unavailable
from shared.runtime.settings import read_settings
from visavis.cli.jobs import follow_job
from visavis.cli.options import add_effects_folder, add_look, add_models_folder, look_text, uploaded
from visavis.cli.process import kind_of
from visavis.client import Client, ProblemError
from visavis.comparison import write_comparison
from visavis.sample import write_sample
from visavis.settings import LocalSettings
from visavis.stack import ON_LOOPBACK, SERVICES, Stack, StackOptions

if TYPE_CHECKING:
    import argparse

TRACE_SECONDS = 10.0
TRACE_NAME = "demo_trace.json"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("demo", help="retouch a sample clip, or your own, and show what happened")
    parser.add_argument("input", type=Path, nargs="?", metavar="IN", help="your own clip")
    add_look(parser)
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder of the results (%(default)s)")
    add_models_folder(parser)
    add_effects_folder(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Everything that the demo promises, in order."""
    console = Console(highlight=False, soft_wrap=True)
    look_text(options.look)  # what is wrong with it is said before anything is started
    if options.input is not None and kind_of(options.input).is_still:
        raise Rejected("unsupported-media", f"{options.input} is a picture: use `visavis process IN OUT`.")
    options.out.mkdir(parents=True, exist_ok=True)
    prepare(options.models, console.print)
    result = options.out / "demo.mp4"
    with TemporaryDirectory(prefix="visavis-demo-") as folder:
        source = options.input or Path(folder) / "sample.mp4"
        if options.input is None:
            console.print("Making the sample clip from a public-domain portrait...")
            write_sample(source)
        console.print("Starting NATS and the four services...")
        with (
            Stack(_stack_options(options, Path(folder) / "var")) as stack,
            Client(stack.rest) as client,
        ):
            job = follow_job(client, source, uploaded(options.look, client), "picture", console, result)
            collector = read_settings(LocalSettings).otlp_endpoint
            trace = None if collector else _whole_trace(client, job["trace_id"])
        write_comparison(source, result, options.out / "demo_compare.png")
    if trace is not None:
        (options.out / TRACE_NAME).write_text(json.dumps(trace, indent=1))
    where = f"{job['trace_id']}, sent to the collector" if collector else options.out / TRACE_NAME
    _tell(console, job, options.out, where)
    return 0


def _stack_options(options: argparse.Namespace, var: Path) -> StackOptions:
    return StackOptions(var=var, models=options.models, effects=options.effects, environment=dict(ON_LOOPBACK))


def _whole_trace(client: Client, trace_id: str) -> dict[str, Any]:
    """The job's trace once every service has sent its spans. Raises Unavailable if they do not come."""
    end = time.monotonic() + TRACE_SECONDS
    while time.monotonic() < end:
        with suppress(ProblemError):  # it may be that not one span has come yet
            trace = client.trace(trace_id)
            if is_whole(trace):
                return trace
        time.sleep(0.2)
    raise Unavailable(f"The trace {trace_id} is not whole after {TRACE_SECONDS:.0f} s.")


def is_whole(trace: dict[str, Any]) -> bool:
    """Whether a trace (OTLP JSON) has spans of every service and every span's parent: a parent ends after its children.

    The job's request came without a trace of its own, so the first span of all has none.
    """
    parts = trace.get("resourceSpans", ())
    spans = [span for part in parts for scope in part["scopeSpans"] for span in scope["spans"]]
    known = {"", *(span["spanId"] for span in spans)}
    services = {_service(part) for part in parts}
    return {f"visavis-{name}" for name in SERVICES} <= services and all(
        span.get("parentSpanId", "") in known for span in spans
    )


def _service(resource_spans: dict[str, Any]) -> str:
    attributes = resource_spans["resource"]["attributes"]
    return next((str(a["value"]["stringValue"]) for a in attributes if a["key"] == "service.name"), "")


def _tell(console: Console, job: dict[str, Any], out: Path, trace: Path | str) -> None:
    table = Table(title=f"{job['frames']} frames, milliseconds a frame", title_justify="left")
    for column in ("hop", "waited p50", "waited p95", "worked p50", "worked p95"):
        table.add_column(column, justify="left" if column == "hop" else "right")
    for row in job["timings"]:
        figures = (row[f"{what}_{share}_ms"] for what in ("waited", "worked") for share in ("p50", "p95"))
        table.add_row(row["hop"], *(f"{figure:.2f}" for figure in figures))
    console.print(table)
    shown = (("result", out / "demo.mp4"), ("before and after", out / "demo_compare.png"), ("trace", trace))
    for what, where in shown:
        console.print(f"{what:>16}: {where}")
