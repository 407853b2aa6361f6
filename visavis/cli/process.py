"""`visavis process`: one picture or video, retouched."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from rich.console import Console

from shared.model.errors import Rejected
from shared.model.media import SNIFF_BYTES, MediaKind, sniff
from visavis.cli.jobs import follow_job
from visavis.cli.options import (
    add_effects_folder,
    add_look,
    add_models,
    add_models_folder,
    add_server,
    chosen_models,
    look_text,
    server,
    uploaded,
)
from visavis.client import Client

_KIND_OF = {".jpg": MediaKind.JPEG, ".jpeg": MediaKind.JPEG, ".png": MediaKind.PNG, ".webp": MediaKind.WEBP}


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("process", help="retouch one picture or video")
    parser.add_argument("input", type=Path, metavar="IN")
    parser.add_argument("output", type=Path, metavar="OUT")
    add_look(parser)
    add_models(parser)
    add_server(parser)
    add_models_folder(parser)
    add_effects_folder(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Send the file, write what comes back."""
    console = Console(stderr=True, highlight=False)
    look_text(options.look)  # what is wrong with it is said before anything is started
    kind = kind_of(options.input)
    check_output(options.output, options.input)
    if kind.is_still and options.output.suffix and options.output.suffix.lower() not in _KIND_OF:
        raise Rejected(
            "unsupported-media",
            f"{options.input} is a picture: name the result .jpg, .png or .webp, not {options.output}.",
        )
    if not kind.is_still and options.output.suffix.lower() in _KIND_OF:
        raise Rejected("unsupported-media", f"{options.input} is a video: name the result .mp4, not {options.output}.")
    with server(options, console) as url, Client(url, key=options.key) as client:
        look = uploaded(options.look, client)
        if kind.is_still:
            accept = _KIND_OF.get(options.output.suffix.lower(), kind)
            answer = client.process_image(options.input.read_bytes(), look, accept, **chosen_models(options))
            options.output.write_bytes(answer)
        else:
            follow_job(client, options.input, look, "picture", console, options.output, chosen_models(options))
    console.print(f"Wrote {options.output}")
    return 0


def check_output(output: Path, source: Path) -> None:
    """Raises Rejected if the result could not be written in the end, or would replace its source."""
    folder = output.resolve().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise Rejected("no-output", f"{output} cannot be written: there is no folder {folder} that takes files.")
    if output.resolve() == source.resolve():
        raise Rejected("no-output", f"{output} is the input itself: name another file.")


def kind_of(path: Path) -> MediaKind:
    """The kind of a file by its first bytes. Raises Rejected for what is not read here."""
    with path.open("rb") as file:
        kind = sniff(file.read(SNIFF_BYTES))
    if kind is None:
        names = ", ".join(kind.value for kind in MediaKind)
        raise Rejected("unsupported-media", f"{path} is none of: {names}.")
    return kind
