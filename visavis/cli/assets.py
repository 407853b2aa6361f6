"""`visavis assets`: add, show and remove the pictures and colour LUTs that looks refer to."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from visavis.cli.options import add_running_server, add_word, running
from visavis.client import ProblemError

_HINT = "Assets are kept by a running service: start `visavis up`, or name one by --server."


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("assets", help="add, show or remove pictures and LUTs that looks refer to")
    words = parser.add_subparsers(required=True, metavar="WHAT")
    adding = add_word(words, "add", add_assets, "upload PNG, JPEG, WebP, GIF or .cube files; prints the id of each")
    add_running_server(adding)
    adding.add_argument("files", type=Path, nargs="+", metavar="FILE")
    for word, run, sentence in (
        ("show", show_asset, "say what an asset is"),
        ("remove", remove_asset, "remove an asset; looks that name it are refused from then on"),
    ):
        naming = add_word(words, word, run, sentence)
        add_running_server(naming)
        naming.add_argument("id", metavar="ID")


def add_assets(options: argparse.Namespace) -> int:
    """Upload the files in order and print the id of each; the first that is refused ends it, by its name."""
    with running(options, _HINT) as client:
        for file in options.files:
            try:
                facts = client.upload_asset(file)
            except ProblemError as problem:
                if problem.code == "unreachable":
                    raise
                detail = f"{file}: {problem.detail}"
                raise ProblemError(problem.code, detail, problem.status, problem.trace_id) from problem
            _console().print(facts["id"])
    return 0


def show_asset(options: argparse.Namespace) -> int:
    """Print what an asset is, as JSON."""
    with running(options, _HINT) as client:
        _console().print(json.dumps(client.asset(options.id)))
    return 0


def remove_asset(options: argparse.Namespace) -> int:
    """Remove an asset."""
    with running(options, _HINT) as client:
        client.remove_asset(options.id)
    return 0


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True, markup=False)
