"""`visavis doctor`: what works on this machine and what does not, each with the remedy."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from services.detect.models.store import verify
from shared.memory import card_probe
from shared.memory.segment import FOLDER
from shared.model.errors import Misconfigured, VisavisError
from shared.model.obstacles import Obstacle, WhyNot
from shared.transport.nats_server import binary
from shared.transport.store import ObjectStore
from visavis.cli.options import add_effects_folder, add_models_folder
from visavis.settings import right_settings, variables_there_are

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator
    from pathlib import Path

SHARED_MIB = 512
DISK_MIB = 2048
_LEAVE_NETWORK = """
from services.ingest.confinement import is_left, leave_network, own_loopback
said = leave_network()
own_loopback()
print(said.partition(": ")[2])
raise SystemExit(not is_left(said))
"""
_FIND_SRT = """
from os import environ
from services.ingest.sources.srt import find_program
from shared.model.errors import Rejected
try:
    print(find_program(environ.get("VISAVIS_SOURCE_SRT_PROGRAM", "")))
except Rejected as error:
    raise SystemExit(error.detail)
"""
_LEAVE_SECONDS = 20
PACKAGES = ("av", "onnxruntime", "opencv-python-headless", "nats-py", "grpcio", "fastapi")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    works: bool
    detail: str
    remedy: str = ""
    is_needed: bool = True
    """False: the service runs without it."""
    is_odd: bool = False
    """It is there, and most likely was meant otherwise."""

    @property
    def mark(self) -> str:
        """What stands before it, in six signs."""
        if self.works:
            return "[green]ok[/]   "
        if self.is_odd:
            return "[yellow]odd[/]  "
        return "[red]fails[/]" if self.is_needed else "[yellow]absent[/]"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("doctor", help="say what works on this machine and what does not")
    add_models_folder(parser)
    add_effects_folder(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Look at everything; 0 if all that is needed works."""
    console = Console(highlight=False, soft_wrap=True)
    findings = list(examine(options))
    for finding in findings:
        console.print(f"{finding.mark} {finding.what}: {escape(finding.detail)}")
        if not finding.works:
            console.print(f"       {escape(finding.remedy)}")
    return 0 if all(finding.works or not finding.is_needed for finding in findings) else 1


def examine(options: argparse.Namespace) -> Iterator[Finding]:
    """Every finding, in the order in which things are needed."""
    found = ".".join(map(str, sys.version_info[:3]))
    yield Finding("Python", sys.version_info >= (3, 11), found, "Visavis needs Python 3.11 or later.")
    for package in PACKAGES:
        yield _package(package)
    yield from _settings()
    yield _tried("NATS server", lambda: str(binary()), "Run `make setup`.")
    yield _tried("models", lambda: f"{verify(options.models) and options.models}", "Run `make models`.")
    yield _tried("effects of your own", lambda: _own_effects(options.effects), "See docs/own-effects.md.")
    yield _space("shared memory", str(FOLDER), SHARED_MIB, f"Give {FOLDER} more room (a container: --shm-size=1g).")
    yield _space("disk", ".", DISK_MIB, "Free some space, or name a folder on another disk: `visavis up --var FOLDER`.")
    yield _loopback()
    local = right_settings()
    if where := local.context.get_secret_value():
        yield _context(where)
    if local.store_url and not local.store_url.startswith("file:"):  # a folder would be made
        yield _store(local.store_url)
    yield _fetching()
    yield _srt()
    cores = os.cpu_count() or 1
    yield Finding("processor", cores > 1, f"{cores} cores", "One core works, but slowly.", is_needed=False)
    yield _card(local.card)


def _settings() -> Iterator[Finding]:
    """What of the environment keeps a service or a command from starting, and what nobody reads."""
    from visavis.cli import variables  # noqa: PLC0415  -- reads the settings of all services, for this command only

    remedy = "Correct it, or unset it: docs/settings.md says what it takes."
    wrong = variables.wrong()
    for sentence, services in wrong.items():
        yield Finding(f"settings of {', '.join(services)}", works=False, detail=sentence, remedy=remedy)
    if not wrong:
        yield Finding("settings", works=True, detail="no variable has a wrong form")
    for name, meant in variables.unread(variables_there_are()).items():
        remedy = f"Is {meant} meant?" if meant else "docs/settings.md has every variable: correct it, or unset it."
        yield Finding(name, works=False, detail="nobody reads it", remedy=remedy, is_needed=False, is_odd=True)


def _package(name: str) -> Finding:
    try:
        return Finding(name, works=True, detail=version(name))
    except PackageNotFoundError:
        return Finding(name, works=False, detail="not installed", remedy="Run `make setup`.")


def _tried(what: str, look: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding(what, works=True, detail=look())
    except VisavisError as error:
        return Finding(what, works=False, detail=str(error), remedy=remedy)


def _own_effects(folder: Path | None) -> str:
    from services.render.own.loading import load  # noqa: PLC0415  -- runs what others wrote, for this command only

    found = load(folder).by_name
    return ", ".join(f"{name} ({own.source})" for name, own in found.items()) or "none"


def _space(what: str, folder: str, least_mib: int, remedy: str) -> Finding:
    free = shutil.disk_usage(folder).free >> 20
    return Finding(what, free >= least_mib, f"{free} MiB free in {folder}, {least_mib} needed", remedy)


def _loopback() -> Finding:
    try:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
    except OSError as error:
        return Finding("loopback", works=False, detail=str(error), remedy="Allow listening on 127.0.0.1.")
    return Finding("loopback", works=True, detail="ports can be had on 127.0.0.1")


def _context(url: str) -> Finding:
    """Whether the store that VISAVIS_CONTEXT names is there. Its URL may have a password, and is not shown."""
    what = "session context"
    try:
        return Finding(what, works=True, detail=asyncio.run(_reached(url)))
    except Misconfigured as error:
        return Finding(
            what, works=False, detail=str(error), remedy="Correct VISAVIS_CONTEXT, or unset it: NATS keeps it."
        )
    except VisavisError as error:
        remedy = "Without it streams go on, but who resumes one begins anew. Start it, or unset VISAVIS_CONTEXT."
        return Finding(what, works=False, detail=str(error), remedy=remedy, is_needed=False)


async def _reached(url: str) -> str:
    """Which server answers. Raises Misconfigured, Unavailable."""
    from shared.transport.redis_context import RedisContext  # noqa: PLC0415  -- only where there is a URL

    store = RedisContext.open(url)
    try:
        await store.ping()
    finally:
        await store.close()
    return f"kept at {store.place}"


def _store(url: str) -> Finding:
    """Whether VISAVIS_STORE_URL can be the name of an object store. It may have a password, and is not shown."""
    try:
        ObjectStore.open(url)
    except Misconfigured:
        detail = "VISAVIS_STORE_URL names none, or some of what it needs is not set"
        remedy = "It is file:///..., s3://..., gs://... or az://...; AWS_*, GOOGLE_* or AZURE_* have account and keys."
        return Finding("object store", works=False, detail=detail, remedy=remedy)
    detail = "VISAVIS_STORE_URL has the form of one; whether it answers is not tried here"
    return Finding("object store", works=True, detail=detail)


def _fetching() -> Finding:
    """Whether a process can leave the network; one that has cannot come back, so another tries it."""
    what, remedy = (
        "fetched streams",
        (
            "Without it no stream is fetched; all else works. Let processes have user namespaces, or, for sources that "
            "you trust, set VISAVIS_SOURCE_UNCONFINED=true."
        ),
    )
    command = [sys.executable, "-c", _LEAVE_NETWORK]
    try:
        tried = subprocess.run(command, capture_output=True, text=True, timeout=_LEAVE_SECONDS, check=True)  # noqa: S603  -- our own words
    except (OSError, subprocess.SubprocessError):
        detail = "the kernel refuses the process that reads them a network of its own"
        return Finding(what, works=False, detail=detail, remedy=remedy, is_needed=False)
    return Finding(what, works=True, detail=f"who reads them has no network ({tried.stdout.strip()})")


def _srt() -> Finding:
    """Whether streams can be fetched over SRT; ingest is not imported here, so another process looks."""
    command = [sys.executable, "-c", _FIND_SRT]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  -- our own words
    except subprocess.CalledProcessError as error:
        detail, _, remedy = error.stderr.strip().splitlines()[-1].partition(". ")
        return Finding("SRT", works=False, detail=detail, remedy=remedy, is_needed=False)
    except OSError as error:
        return Finding("SRT", works=False, detail=str(error), remedy="Run `make setup`.", is_needed=False)
    return Finding("SRT", works=True, detail=found.stdout.strip())


def _card(named: str) -> Finding:
    """Whether a lane's services can share frames in a card's memory. named: as VISAVIS_CARD has it."""
    what, remedy = "GPU lane", "Nothing to do for the CPU lane."
    number = 0 if named == "auto" else int(named) if named.isdigit() else None
    why_not = WhyNot(Obstacle.NOT_WANTED, "VISAVIS_CARD names none.") if number is None else card_probe.why_not(number)
    if why_not:
        detail = f"frames stay in shared memory and are drawn on the CPU: {why_not.sentence}"
        return Finding(what, works=False, detail=detail, remedy=remedy, is_needed=False)
    return Finding(what, works=True, detail=f"frames lie on card {number}, shared by processes", is_needed=False)
