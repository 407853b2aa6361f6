"""`visavis models quantize`: a model in lower precision, measured beside itself, and installed if it is good."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from shared.model.offers import Role
from visavis.clips import MOST_FRAMES, frames

if TYPE_CHECKING:
    from services.detect.trial import Trial

MAX_SLOWER = 1.0
MAX_OFF = {Role.LANDMARKS: 0.01, Role.DETECTOR: 0.05}
"""What the accuracy may lose if nobody says otherwise: landmarks over the distance of the eyes, faces and boxes."""


def add_to(words: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the word to those of `visavis models`."""
    parser = words.add_parser("quantize", help="make a model of lower precision from your own clips, and measure it")
    parser.add_argument("name", metavar="NAME", help="a model of `visavis models list`")
    parser.add_argument(
        "--clips", type=Path, nargs="+", required=True, metavar="FILE",
        help=f"videos with faces like those that will come; the first {MOST_FRAMES} frames of each are used",
    )  # fmt: skip
    parser.add_argument("--to", choices=("int8", "fp16"), default="int8", help="the precision (%(default)s)")
    parser.add_argument(
        "--provider", choices=("cpu", "openvino", "cuda", "tensorrt"),
        help="what runs both models for the measurement (cpu for int8, cuda for fp16)",
    )  # fmt: skip
    parser.add_argument(
        "--max-slower", type=_bound, default=MAX_SLOWER, metavar="RATIO",
        help="install it only if its time over that of FP32 is at most this (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--max-off", type=_bound, metavar="PART",
        help="install it only if it is off by at most this: landmarks by part of the distance between the eyes "
        f"({MAX_OFF[Role.LANDMARKS]}), detectors by part of the faces or their boxes ({MAX_OFF[Role.DETECTOR]})",
    )  # fmt: skip
    # `visavis models` has the folder's default; one here would replace what was named before the word.
    parser.add_argument("--models", type=Path, default=argparse.SUPPRESS, help="folder of the prepared models")
    parser.set_defaults(run=run)


def _bound(text: str) -> float:
    """A number to compare with: nothing is more than nan."""
    number = float(text)
    if not number >= 0:
        raise argparse.ArgumentTypeError(f"{text} is no bound; name a number from 0")
    return number


def run(options: argparse.Namespace) -> int:
    """Make, measure, and install or refuse; the exit status is 1 where it is refused."""
    from services.detect import trial  # noqa: PLC0415  -- onnx and the quantiser are heavy, and needed here only

    console = Console(highlight=False, soft_wrap=True)
    provider = options.provider or ("cuda" if options.to == trial.FP16 else "cpu")
    clips = [frames(path) for path in options.clips]
    found = trial.try_precision(options.models, options.name, options.to, clips, provider)
    console.print(_table(found, provider))
    max_off = MAX_OFF[found.entry.role] if options.max_off is None else options.max_off
    if objections := found.objections(options.max_slower, max_off):
        console.print(f"{found.entry.name} is not installed. {' '.join(objections)} {options.name} stays as it is.")
        return 1
    trial.install(options.models, found)
    console.print(
        f"{found.entry.name} is installed beside {options.name}; services started from now on offer it. "
        f"`visavis models remove {found.entry.name}` takes it out again."
    )
    return 0


def _table(found: Trial, provider: str) -> Table:
    precision = found.entry.precision
    title = f"{found.entry.name}, compared on {found.compared_on} inputs of the clips, {provider}, one thread"
    table = Table(title=title, title_justify="left")
    for column in ("", "fp32", precision):
        table.add_column(column)
    times = [f"{found.milliseconds[one]:.2f} ms" for one in ("fp32", precision)]
    table.add_row("a run", *times)
    table.add_row("off", "", f"{found.accuracy.off:.2%}")
    for what, figure in found.accuracy.details.items():
        table.add_row(what, "", figure)
    return table
