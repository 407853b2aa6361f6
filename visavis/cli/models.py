"""`visavis models`: list, prepare and verify the face models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from services.detect.models.preparing import prepare
from services.detect.models.registry import MODELS
from services.detect.models.store import verify
from visavis.cli.options import add_models_folder

if TYPE_CHECKING:
    import argparse


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("models", help="list, prepare or verify the face models")
    parser.add_argument("what", choices=("list", "prepare", "verify"), nargs="?", default="list")
    add_models_folder(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Do what was asked; Misconfigured says what is wrong with the folder."""
    console = Console(highlight=False, soft_wrap=True)
    if options.what == "prepare":
        prepare(options.models, console.print)
    elif options.what == "verify":
        verify(options.models)
        console.print(f"The models in {options.models} are whole and of this version.")
    else:
        console.print(_table(options))
    return 0


def _table(options: argparse.Namespace) -> Table:
    table = Table(title=f"Models in {options.models}", title_justify="left")
    for column in ("name", "family", "licence", "there", "gives"):
        table.add_column(column)
    for model in MODELS:
        there = "yes" if (options.models / model.file_name).exists() else "no: visavis models prepare"
        table.add_row(model.name, model.family, model.licence, there, model.gives)
    return table
