"""The command line: `visavis`."""

from __future__ import annotations

import argparse
import signal
import sys
from typing import TYPE_CHECKING, NoReturn

from shared.model.errors import VisavisError
from shared.runtime.settings import read_settings
from visavis.cli import analyze, assets, demo, doctor, jobs, keys, live, looks, models, process, streams, up
from visavis.client import ProblemError
from visavis.settings import LocalSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

COMMANDS = (up, process, analyze, live, streams, jobs, demo, looks, assets, models, keys, doctor)

_NAME_A_KEY = "Here: by VISAVIS_KEY, or --key."


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0 done, 1 it went wrong and said why, 2 wrong words, 130 interrupted."""
    options = _parser().parse_args(arguments)
    former = signal.signal(signal.SIGTERM, _interrupt)
    try:
        if options.run is not doctor.run:  # it says of all variables what is wrong
            read_settings(LocalSettings)
        return int(options.run(options))
    except ProblemError as error:
        return _said(f"{error} {_NAME_A_KEY}" if error.code == "unauthenticated" else str(error))
    except VisavisError as error:
        return _said(str(error))
    except OSError as error:
        return _said(f"{error.filename}: {error.strerror}." if error.filename else str(error))
    except KeyboardInterrupt:
        return 130
    finally:
        signal.signal(signal.SIGTERM, former)


def _parser() -> argparse.ArgumentParser:
    """Of all commands. What options have by default is what variables have, but of wrong ones."""
    parser = argparse.ArgumentParser(prog="visavis", description="Faces in pictures, videos and streams, retouched.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    """SIGTERM ends a command as Ctrl-C does: what was started is stopped, what was made is removed."""
    raise KeyboardInterrupt


def _said(sentence: str) -> int:
    print(f"visavis: {sentence}", file=sys.stderr)  # noqa: T201  -- a command line prints
    return 1
