"""`visavis models`: list, prepare, verify and remove face models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from services.detect.models import store
from services.detect.models.preparing import prepare
from visavis.cli.options import add_models_folder

if TYPE_CHECKING:
    import argparse


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; without a word of its own it lists."""
    parser = commands.add_parser("models", help="list, prepare, verify or remove the face models")
    add_models_folder(parser)
    parser.set_defaults(run=list_models)
    words = parser.add_subparsers(metavar="WHAT")
    plain = (
        ("list", "name the models, what they give and where they came from", list_models),
        ("prepare", "download, check and convert the default models (once)", prepare_models),
        ("verify", "check that every file is the one that was prepared", verify_models),
        ("remove", "take a model out that was added", remove_model),
    )
    for word, sentence, run in plain:
        one = words.add_parser(word, help=sentence)
        add_models_folder(one)
        one.set_defaults(run=run)
        if word == "remove":
            one.add_argument("name", metavar="NAME")


def list_models(options: argparse.Namespace) -> int:
    """A table of the registry."""
    registry = store.read(options.models)
    table = Table(title=f"Models in {options.models}", title_justify="left")
    for column in ("name", "family", "offered as", "gives", "input", "precision", "licence", "source", "there"):
        table.add_column(column)
    for entry in registry.models:
        there = "yes" if (options.models / entry.file).exists() else "no: visavis models prepare"
        sizes = " and ".join(f"{size}" for size in entry.sizes_px) + " px"
        words = (entry.name, entry.family, entry.offered_as, entry.gives, sizes, entry.precision, entry.licence)
        table.add_row(*words, entry.source, there)
    _console().print(table)
    return 0


def prepare_models(options: argparse.Namespace) -> int:
    """Fill the folder with the default models."""
    prepare(options.models, _console().print)
    return 0


def verify_models(options: argparse.Namespace) -> int:
    """Check every file; Misconfigured says what is wrong with the folder."""
    store.verify(options.models)
    _console().print(f"The models in {options.models} are whole and of this version.")
    return 0


def remove_model(options: argparse.Namespace) -> int:
    """Take an added model out; Rejected says what cannot be removed."""
    store.uninstall(options.models, options.name)
    _console().print(f"{options.name} is removed from {options.models}; services started from now on do without it.")
    return 0


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
