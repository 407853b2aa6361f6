"""`visavis jobs dead`: work that was given up, for whoever runs the service. Speaks to the bus and the store itself."""

from __future__ import annotations

import argparse
import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from shared.runtime.settings import ServiceSettings, read_settings
from shared.transport.dead_letters import DeadLetters
from shared.transport.nats_bus import NatsBus
from shared.transport.nats_server import url_in
from shared.transport.store import ObjectStore
from visavis.cli.options import add_word

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.transport.dead_letters import DeadLetter

EMBEDDED = "nats"
"""The folder of the server that `visavis up` starts, in `--var`."""


def add_to(words: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add `dead` with its words."""
    parser = words.add_parser("dead", help="list, retry or drop work that was given up")
    doing = parser.add_subparsers(required=True, metavar="WHAT")
    _add_places(add_word(doing, "list", list_letters, "list it: number, when, where it was, its job, why"))
    for word, run, sentence in (
        ("retry", retry, "have it done after all, in the order of the numbers given"),
        ("drop", drop, "remove it"),
    ):
        naming = add_word(doing, word, run, sentence)
        _add_places(naming)
        naming.add_argument("numbers", type=int, nargs="+", metavar="NUMBER", help="as `list` shows it")


def list_letters(options: argparse.Namespace) -> int:
    """One line a letter."""

    async def run() -> None:
        async with _letters(options) as letters:
            count = 0
            async for letter in letters.each():
                _console().print(line_of(letter))
                count += 1
        if not count:
            _console(stderr=True).print("none")

    asyncio.run(run())
    return 0


def retry(options: argparse.Namespace) -> int:
    """Ask for the work of each again; the first that cannot be tried again ends it. Raises Lost, Rejected."""

    async def run() -> None:
        async with _letters(options) as letters:
            for number in options.numbers:
                letter = await letters.retry(number)
                _console().print(f"{number}  the job {letter.job} is asked for again")

    asyncio.run(run())
    return 0


def drop(options: argparse.Namespace) -> int:
    """Remove each. Raises Lost for the first that is not there."""

    async def run() -> None:
        async with _letters(options) as letters:
            for number in options.numbers:
                await letters.drop(number)

    asyncio.run(run())
    return 0


def line_of(letter: DeadLetter) -> str:
    """A letter as `list` shows it."""
    when = datetime.fromtimestamp(letter.kept_unix_seconds, UTC).isoformat(timespec="seconds")
    return f"{letter.number}  {when}  {letter.subject}  {letter.job or '-'}  {letter.reason}"


def _add_places(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--nats", metavar="URL", help="the NATS server (VISAVIS_NATS_URL; default: the one in --var)")
    parser.add_argument(
        "--store", metavar="URL", help="the object store (VISAVIS_STORE_URL; default: the one in --var)"
    )
    parser.add_argument("--var", type=Path, help="folder of a `visavis up` (VISAVIS_VAR; default: var)")


@asynccontextmanager
async def _letters(options: argparse.Namespace) -> AsyncIterator[DeadLetters]:
    named = {"nats_url": options.nats, "store_url": options.store, "var": options.var}
    settings = read_settings(ServiceSettings, **{name: value for name, value in named.items() if value is not None})
    is_named = "nats_url" in settings.model_fields_set
    bus = await NatsBus.connect(settings.nats if is_named else url_in(settings.var / EMBEDDED), "visavis jobs dead")
    try:
        yield DeadLetters(bus, ObjectStore.open(settings.store))
    finally:
        await bus.close()


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)
