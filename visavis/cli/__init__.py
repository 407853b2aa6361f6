"""The command line: `visavis`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from shared.model.errors import VisavisError
from visavis.cli import analyze, demo, doctor, models, process, up
from visavis.client import ProblemError

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (up, process, analyze, demo, models, doctor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0 done, 1 it went wrong and said why, 2 wrong words, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="visavis", description="Faces in pictures, videos and streams, retouched.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except (VisavisError, ProblemError, OSError) as error:
        print(f"visavis: {error}", file=sys.stderr)  # noqa: T201  -- a command line prints
        return 1
    except KeyboardInterrupt:
        return 130
