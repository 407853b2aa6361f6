"""`visavis looks`: what there is to draw, and whether a look of yours is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from shared.model import foreign_effects
from shared.model.catalogue import catalogue
from shared.model.errors import Rejected
from shared.model.faces import Layout
from shared.model.look_faults import suggestion
from shared.model.look_schema import look_schema
from shared.model.looks import ROLES
from shared.model.needs import NEEDS, layouts_of, unsupported
from shared.model.presets import PRESETS
from visavis.cli import template
from visavis.cli.options import add_word, look_text

if TYPE_CHECKING:
    import argparse

_WIDTH = 160
"""Columns of a table that does not go to a terminal."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; without a word of its own it lists."""
    parser = commands.add_parser("looks", help="list the effects, show, describe or check looks")
    parser.set_defaults(run=list_looks)
    words = parser.add_subparsers(metavar="WHAT")
    add_word(words, "list", list_looks, "name the presets and every effect")
    template.add_to(words)
    add_word(words, "schema", print_schema, "print the JSON Schema of looks")
    showing = add_word(words, "show", show_preset, "print a preset as JSON, to start a look of your own from")
    showing.add_argument("name", metavar="NAME", help=", ".join(PRESETS))
    checking = add_word(words, "check", check_look, "say what is wrong with a look, or what it draws on which faces")
    checking.add_argument("look", metavar="LOOK", help="a file, a JSON object, or a preset's name")


def list_looks(_: argparse.Namespace) -> int:
    """The presets, and every effect with its range, its sentence and the faces that can carry it."""
    presets = Table("preset", "draws", title="Presets", title_justify="left", box=None)
    for name, look in PRESETS.items():
        presets.add_row(name, ", ".join(look.drawn) or "nothing")
    effects = Table("effect", "takes", "does", "faces of", title="\nEffects", title_justify="left", box=None)
    for one in catalogue():
        if one.name in ROLES:
            effects.add_row(f"[bold]{ROLES[one.name]}[/bold]")
        takes = f"{one.kind} of {', '.join(part.name for part in one.parts)}" if one.parts else one.takes
        effects.add_row(f"  {one.name}", takes, one.sentence, _points(one.name))
    console = _console()
    console.print(presets, effects)
    console.print(
        "\n`visavis looks schema` has the ranges within objects; `visavis looks show glamour` is a whole look."
    )
    return 0


def show_preset(options: argparse.Namespace) -> int:
    """A preset as JSON. Rejected says which there are."""
    if options.name not in PRESETS:
        raise Rejected("invalid-look", f"There is no preset {options.name!r}. {suggestion(options.name, PRESETS)}")
    _print_json(PRESETS[options.name].document())
    return 0


def print_schema(_: argparse.Namespace) -> int:
    """The JSON Schema, as `/v1/looks` has it too."""
    _print_json(look_schema())
    return 0


def check_look(options: argparse.Namespace) -> int:
    """What a look draws and what faces can carry it. Rejected says what is wrong with it, OSError with its file."""
    path = Path(options.look)
    is_file = path.suffix == ".json" or (options.look not in PRESETS and path.is_file())
    look = foreign_effects.check_look(look_text(f"@{options.look}" if is_file else options.look))
    console = Console(highlight=False, soft_wrap=True)
    drawn = (*(name for name in look.drawn if name != "own"), *look.own)
    console.print(f"The look is valid. It draws {', '.join(drawn) or 'nothing'}.")
    for name in look.own:
        console.print(f"Visavis has no {name} itself: a service that has it checks it.{_meant(name)}")
    for layout in Layout:
        if lacking := unsupported(look, layout):
            console.print(f"Faces of {int(layout)} points cannot carry {', '.join(lacking)}.")
    return 0


def _meant(name: str) -> str:
    said = suggestion(name, [one.name for one in catalogue()])
    return f" {said}" if said.startswith("Did") else ""


def _points(effect: str) -> str:
    return f"{', '.join(str(int(layout)) for layout in layouts_of(effect))} points" if effect in NEEDS else ""


def _print_json(document: dict[str, Any]) -> None:
    print(json.dumps(document, indent=2))  # noqa: T201  -- as it is, whatever the terminal's width


def _console() -> Console:
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH)
