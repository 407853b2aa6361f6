"""`visavis up`: the whole service in the foreground."""

from __future__ import annotations

import argparse
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from services.detect.models.preparing import prepare
from shared.model.errors import Misconfigured
from shared.runtime.settings import read_settings
from visavis.cli.options import add_effects_folder, add_models, add_models_folder, chosen_models
from visavis.client import GRPC_PORT, REST_PORT
from visavis.lanes import count_cards, settings_of_lanes
from visavis.settings import LocalSettings
from visavis.stack import POLL_SECONDS, Stack, StackOptions

if TYPE_CHECKING:
    from types import FrameType


MOST_LANES = 64
MOST_WORKERS = 16


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("up", help="run the service in the foreground until Ctrl-C")
    parser.add_argument("--nats", default="", metavar="URL", help="a running NATS server; without it one is started")
    parser.add_argument("--rest-port", type=int, default=REST_PORT, help="port of REST; 0: a free one (%(default)s)")
    parser.add_argument("--grpc-port", type=int, default=GRPC_PORT, help="port of gRPC; 0: a free one (%(default)s)")
    parser.add_argument("--var", type=Path, default=Path("var"), help="folder of jobs and logs (%(default)s)")
    parser.add_argument(
        "--lanes", type=_lanes, default=1, metavar="N",
        help="lanes, each with a card of its own where there is one; 0: one for each card (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--workers", type=_workers, default=1, metavar="N",
        help="processes that find faces, and that draw, in each lane (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--mps",
        action="store_true",
        help="the processes of a lane compute on its NVIDIA card at the same time, and not in turns (docs/gpu.md)",
    )
    add_models(parser)
    add_models_folder(parser)
    add_effects_folder(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Start, say where, watch, stop on SIGINT or SIGTERM."""
    console = Console(highlight=False)
    stopping = threading.Event()

    def stop(_: int, __: FrameType | None) -> None:
        stopping.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    prepare(options.models, console.print)
    asked = StackOptions(
        var=options.var,
        nats_url=options.nats,
        rest_port=options.rest_port,
        grpc_port=options.grpc_port,
        models=options.models,
        effects=options.effects,
        lanes=_settings(options.lanes),
        workers=options.workers,
        mps=options.mps,
        metrics=True,
        environment={f"VISAVIS_{role.upper()}": name for role, name in chosen_models(options).items() if name},
    )
    console.print("Starting...")
    with Stack(asked) as stack:
        console.print(f"REST  {stack.rest}\ngRPC  {stack.grpc}\nlogs  {stack.logs}")
        for name in stack.services:
            console.print(f"metrics of {name}  {stack.metrics(name)}")
        if stack.asks_for_keys:
            console.print("keys  are asked for: `visavis keys add` makes one")
        while not stopping.wait(POLL_SECONDS):
            for name in stack.watch():
                console.print(f"{name} had ended and was started again; see {stack.logs}")
        console.print("Stopping...")
    return 0


def _lanes(text: str) -> int:
    if not (text.isdecimal() and int(text) <= MOST_LANES):
        raise argparse.ArgumentTypeError(f"{text} is no number of lanes from 0 to {MOST_LANES}")
    return int(text)


def _workers(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MOST_WORKERS):
        raise argparse.ArgumentTypeError(f"{text} is no number of workers from 1 to {MOST_WORKERS}")
    return int(text)


def _settings(lanes: int) -> tuple[dict[str, str], ...]:
    """What the lanes are told besides. CUDA, which takes a second, is asked only where there may be several.

    Raises Misconfigured.
    """
    if lanes == 1:
        return ({},)
    settings, cores = read_settings(LocalSettings), len(os.sched_getaffinity(0))
    if settings.card.isdecimal():
        raise Misconfigured(
            f"VISAVIS_CARD={settings.card} names one card, and each of several lanes has one of its own: "
            "leave it out, or name those that may be used in CUDA_VISIBLE_DEVICES."
        )
    cards = 0 if settings.card == "none" else count_cards()
    return settings_of_lanes(lanes, cards, settings.lane_cores, cores)
