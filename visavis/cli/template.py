"""`visavis looks template`: the face template as a picture to paint a texture on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cv2
from rich.console import Console

from shared.model.errors import Rejected
from visavis.cli.template_picture import template_picture

if TYPE_CHECKING:
    import argparse

SMALLEST, LARGEST = 128, 4096


def add_to(words: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the word to those of `visavis looks`."""
    parser = words.add_parser("template", help="write the face template as a picture to paint a texture on")
    parser.add_argument("target", type=Path, metavar="OUT.png", help="the file to write")
    sentence = f"pixels along each side, {SMALLEST}..{LARGEST} (%(default)s)"
    parser.add_argument("--size", type=int, default=1024, metavar="PIXELS", help=sentence)
    parser.set_defaults(run=write_template)


def write_template(options: argparse.Namespace) -> int:
    """Write the template as PNG with a transparent ground.

    Raises Rejected (`invalid-size`, `unsupported-media`), OSError.
    """
    if not SMALLEST <= options.size <= LARGEST:
        raise Rejected("invalid-size", f"A template has {SMALLEST} to {LARGEST} pixels a side, not {options.size}.")
    if options.target.suffix.lower() != ".png":
        raise Rejected("unsupported-media", f"The template is written as PNG: name a file *.png, not {options.target}.")
    picture = cv2.cvtColor(template_picture(options.size), cv2.COLOR_RGBA2BGRA)
    done, png = cv2.imencode(".png", picture)
    assert done  # noqa: S101  -- an array of this shape can always be encoded
    options.target.write_bytes(png.tobytes())
    console = Console(highlight=False, soft_wrap=True)
    console.print(f"{options.target}: paint in a layer of its own, save that one alone, and `visavis assets add` it.")
    return 0
