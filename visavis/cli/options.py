"""Options that several commands share."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from services.detect.models.preparing import prepare
from visavis.settings import LocalSettings
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from rich.console import Console


def add_models_folder(parser: argparse.ArgumentParser) -> None:
    """`--models FOLDER`"""
    parser.add_argument(
        "--models",
        type=Path,
        default=LocalSettings().models.expanduser(),
        help="folder of the prepared models (VISAVIS_MODELS; default: %(default)s)",
    )


def add_server(parser: argparse.ArgumentParser) -> None:
    """`--server URL`"""
    parser.add_argument("--server", metavar="URL", help="a running service; without it one is started for the moment")


def add_models(parser: argparse.ArgumentParser) -> None:
    """`--detector NAME --landmarks NAME`"""
    named = "one of `visavis models list`"
    parser.add_argument("--detector", default="", metavar="NAME", help=f"the model that finds faces, {named}")
    parser.add_argument(
        "--landmarks",
        default="",
        metavar="NAME",
        help=f"the model that places landmarks, {named}, or `keypoints`: the detector's own five points",
    )


def chosen_models(options: argparse.Namespace) -> dict[str, str]:
    """What `add_models` added, as the client takes it."""
    return {"detector": options.detector, "landmarks": options.landmarks}


def address_of(server: str) -> str:
    """The REST address of a server that is named with or without `http://`."""
    return server if "://" in server else f"http://{server}"


@contextmanager
def server(options: argparse.Namespace, console: Console) -> Iterator[str]:
    """The REST address of the named service, or of a short-lived one of our own that leaves nothing behind."""
    if options.server:
        yield address_of(options.server)
        return
    prepare(options.models, console.print)
    with TemporaryDirectory(prefix="visavis-") as folder:
        console.print("Starting the services...")
        with Stack(StackOptions(var=Path(folder), models=options.models)) as stack:
            yield stack.rest
