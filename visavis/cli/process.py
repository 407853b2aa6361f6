"""`visavis process`: one picture or video, retouched or searched for faces."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from rich.console import Console

from shared.model.errors import Rejected
from shared.model.jobs import Want
from shared.model.media import SNIFF_BYTES, MediaKind, sniff
from visavis.cli import offline
from visavis.cli.endings import PICTURES, check_ending, check_ending_of_faces, note_of
from visavis.cli.jobs import follow_job
from visavis.cli.options import (
    add_effects_folder,
    add_look,
    add_models,
    add_models_folder,
    add_server,
    chosen_models,
    look_text,
    refuse_effects_of_another,
    server,
    uploaded,
)
from visavis.client import Client


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("process", help="retouch one picture or video")
    parser.add_argument("input", type=Path, metavar="IN")
    parser.add_argument("output", type=Path, metavar="OUT")
    parser.add_argument(
        "--callback", default="", metavar="URL", help="is told when the video is done, by a service that runs on"
    )
    add_look(parser)
    parser.add_argument(
        "--want",
        choices=[want.value for want in Want],
        default=Want.PICTURE.value,
        help="the retouched picture or video, or its faces: one line of JSON a frame (%(default)s)",
    )
    add_models(parser)
    add_server(parser)
    parser.add_argument(
        "--offline", action="store_true", help="do it in this process, without any service: no server, no stack, no bus"
    )
    add_models_folder(parser)
    add_effects_folder(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Have the file worked on, write what comes of it."""
    console = Console(stderr=True, highlight=False)
    look_text(options.look)  # what is wrong with it is said before anything is started
    refuse_effects_of_another(options)
    kind = kind_of(options.input)
    check_output(options.output, options.input)
    if options.want == Want.PICTURE:
        check_ending(options.output, options.input, kind)
    else:
        check_ending_of_faces(options.output, kind)
    check_callback(options, kind)
    accept = PICTURES.get(options.output.suffix.lower(), kind)
    if options.offline:
        offline.process(options, kind, accept, console)
    else:
        _through_service(options, kind, accept, console)
    console.print(f"Wrote {options.output}")
    if note := note_of(options.output):
        console.print(f"Note: {note}")
    return 0


def _through_service(options: argparse.Namespace, kind: MediaKind, accept: MediaKind, console: Console) -> None:
    models = chosen_models(options)
    fields = {**models, "callback": options.callback}
    with server(options, console) as url, Client(url, key=options.key) as client:
        look = uploaded(options.look, client) if options.want == Want.PICTURE else "none"
        if not kind.is_still:
            follow_job(client, options.input, look, options.want, console, options.output, fields)
        elif options.want == Want.PICTURE:
            answer = client.process_image(options.input.read_bytes(), look, accept, **models)
            options.output.write_bytes(answer)
        else:
            faces = client.analyze_image(options.input.read_bytes(), **models)
            options.output.write_text(json.dumps(faces) + "\n")


def check_callback(options: argparse.Namespace, kind: MediaKind) -> None:
    """Raises Rejected where `--callback` asks for what nobody would do."""
    if options.callback and kind.is_still:
        raise Rejected("callback-refused", f"{options.input} is a picture, which is answered at once: no --callback.")
    if options.callback and not options.server:
        raise Rejected("callback-refused", "Only a service that runs on calls back: name it with --server.")


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
