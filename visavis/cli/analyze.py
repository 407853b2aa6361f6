"""`visavis analyze`: the faces of every frame, as JSON lines."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console

from visavis.cli.endings import check_ending_of_faces
from visavis.cli.jobs import follow_job
from visavis.cli.options import add_models, add_models_folder, add_server, chosen_models, server
from visavis.cli.process import check_output, kind_of
from visavis.client import Client


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("analyze", help="find the faces of one picture or video")
    parser.add_argument("input", type=Path, metavar="IN")
    parser.add_argument("--out", type=Path, required=True, metavar="FACES.jsonl", help="one line of JSON a frame")
    add_models(parser)
    add_server(parser)
    add_models_folder(parser)
    parser.set_defaults(run=run, effects=None)  # nothing is drawn


def run(options: argparse.Namespace) -> int:
    """Send the file, write its faces."""
    console = Console(stderr=True, highlight=False)
    kind = kind_of(options.input)
    check_output(options.out, options.input)
    check_ending_of_faces(options.out, kind)
    with server(options, console) as url, Client(url, key=options.key) as client:
        if kind.is_still:
            faces = client.analyze_image(options.input.read_bytes(), **chosen_models(options))
            options.out.write_text(json.dumps(faces) + "\n")
        else:
            follow_job(client, options.input, "none", "faces", console, options.out, chosen_models(options))
    console.print(f"Wrote {options.out}")
    return 0
