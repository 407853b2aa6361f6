"""`visavis models`: list, prepare, verify, add, quantize and remove face models."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from services.detect.models import store
from services.detect.models.adding import Wish, add
from services.detect.models.preparing import prepare
from services.detect.models.registry import FAMILIES, MODELS
from shared.model.offers import Role
from visavis.cli import quantize
from visavis.cli.options import add_models_folder, add_word

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detect.models.registry import ModelEntry

_WIDTH = 160
"""Columns of a table that does not go to a terminal."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; without a word of its own it lists."""
    parser = commands.add_parser("models", help="list, prepare, verify, add, quantize or remove face models")
    add_models_folder(parser)
    parser.set_defaults(run=list_models)
    words = parser.add_subparsers(metavar="WHAT")
    _word(words, "list", list_models, "name the models, how they are asked for, what they give, where they came from")
    _word(words, "prepare", prepare_models, "download, check and convert the default models (once)")
    _word(words, "verify", verify_models, "check that every file is the one that was prepared")
    removing = _word(words, "remove", remove_model, "take a model out that was added")
    removing.add_argument("name", metavar="NAME")
    _add_adding(words)
    quantize.add_to(words)


def _word(
    words: argparse._SubParsersAction[argparse.ArgumentParser],
    word: str,
    run: Callable[[argparse.Namespace], int],
    sentence: str,
) -> argparse.ArgumentParser:
    parser = add_word(words, word, run, sentence)
    # Where the folder was named before the word it stays; add_models_folder would put its default in that place.
    parser.add_argument("--models", type=Path, default=argparse.SUPPRESS, help="folder of the prepared models")
    return parser


def _add_adding(words: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = _word(words, "add", add_model, "add a model file of your own, checked and composed with its decoding")
    families = [family.value for family in FAMILIES if family not in {model.family for model in MODELS}]
    parser.add_argument("file", type=Path, metavar="FILE", help="as it was published: .onnx, or dlib's .dat")
    parser.add_argument("--family", required=True, choices=families, help="what kind of model it is")
    parser.add_argument("--name", default="", help="the name by which requests choose it (default: the file's)")
    parser.add_argument("--licence", default="", help="under what terms you have it; noted in the list")
    parser.add_argument("--source", default="", help="where it came from; noted in the list")
    parser.add_argument(
        "--sizes", type=int, nargs="+", default=(), metavar="PX",
        help="of a detector: longer sides of the pictures that it is shown, one after the other",
    )  # fmt: skip


def list_models(options: argparse.Namespace) -> int:
    """A table of the registry."""
    registry = store.read(options.models)
    table = Table(title=f"Models in {options.models}", title_justify="left", box=None)
    table.add_column("name", no_wrap=True)
    table.add_column("asked for as", no_wrap=True)
    for column in ("family", "gives", "input px", "precision", "licence", "source", "there"):
        table.add_column(column, overflow="fold")
    for entry in registry.models:
        there = "yes" if (options.models / entry.file).exists() else "no: visavis models prepare"
        sizes = ", ".join(f"{size}" for size in entry.sizes_px)
        words = (entry.name, _asked_for(entry), entry.family, entry.gives, sizes, entry.precision, entry.licence)
        table.add_row(*words, entry.source, there)
    console = _console()
    if not console.is_terminal:
        console = Console(highlight=False, soft_wrap=True, width=_WIDTH)
    console.print(table)
    return 0


def _asked_for(entry: ModelEntry) -> str:
    """How a command names it; empty: looks have it used, and no request names it."""
    return "" if entry.role is Role.SEGMENTER else f"--{entry.role.value} {entry.offered_as}"


def prepare_models(options: argparse.Namespace) -> int:
    """Fill the folder with the default models."""
    prepare(options.models, _console().print)
    return 0


def verify_models(options: argparse.Namespace) -> int:
    """Check every file; Misconfigured says what is wrong with the folder."""
    store.verify(options.models)
    _console().print(f"The models in {options.models} are whole and of this version.")
    return 0


def add_model(options: argparse.Namespace) -> int:
    """Add a model; Rejected and Misconfigured say why not."""
    wish = Wish(options.family, options.name, options.licence, options.source, options.sizes)
    entry = add(options.models, options.file, wish)
    _console().print(
        f"{entry.name} is added ({entry.gives}). Services started from now on offer it: {_asked_for(entry)}."
    )
    return 0


def remove_model(options: argparse.Namespace) -> int:
    """Take an added model out; Rejected says what cannot be removed."""
    store.uninstall(options.models, options.name)
    _console().print(f"{options.name} is removed from {options.models}; services started from now on do without it.")
    return 0


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)
