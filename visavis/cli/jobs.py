"""Jobs on the command line: followed with a progress bar, and `visavis jobs` for those who run the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from shared.model.errors import Unavailable
from visavis.cli import dead_letters

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from pathlib import Path

    from rich.console import Console

    from visavis.client import Client


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("jobs", help="look after jobs that were given up")
    dead_letters.add_to(parser.add_subparsers(required=True, metavar="WHAT"))


def follow_job(
    client: Client,
    source: Path,
    look: str,
    want: str,
    console: Console,
    target: Path,
    fields: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Submit, wait, download into `target`; the finished job's document. Raises Unavailable if the job fails.

    fields: further ones of the job, as Client.submit_job has them: models, a callback.
    """
    with frames_bar(console) as bar:
        task = bar.add_task(source.name, total=1.0, frames="uploading")
        job = client.submit_job(source, look, want, None, **(fields or {}))
        for job in client.events(job["id"]):  # noqa: B020  -- the job, ever newer
            bar.update(task, completed=job["progress"], frames=f"{job['frames']} frames")
    if job["state"] != "done":
        problem = job.get("problem") or {}
        raise Unavailable(f"The job {job['state']}: {problem.get('detail', 'no reason was given')}")
    for warning in job["warnings"]:
        console.print(f"Note: {warning}")
    client.download(job["id"], target)
    return job


def frames_bar(console: Console) -> Progress:
    """A progress bar whose tasks say in `frames` how far they are."""
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[frames]}"), TimeElapsedColumn())
    return Progress(*columns, console=console)
