"""`visavis looks`: what helps to make looks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from visavis.cli import template

if TYPE_CHECKING:
    import argparse


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("looks", help="write the face template to paint a texture on")
    words = parser.add_subparsers(required=True, metavar="WHAT")
    template.add_to(words)
