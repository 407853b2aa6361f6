"""Options that several commands share."""

from __future__ import annotations

import argparse
import json
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from services.detect.models.preparing import prepare
from shared.model.errors import Rejected
from shared.model.foreign_effects import check_look
from shared.model.live import USUAL_DELAY_MS
from shared.model.parameters import ID_DIGITS
from shared.model.presets import PRESETS
from shared.runtime.settings import read_settings
from visavis.client import REST_PORT, Client, ProblemError
from visavis.look_files import unmarked, with_uploads
from visavis.settings import LocalSettings, right_settings
from visavis.stack import ON_LOOPBACK, Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

USUAL_SERVER = f"http://127.0.0.1:{REST_PORT}"
CODECS = ("h264", "hevc", "av1")
"""What streams may be asked for in."""
_SHOWN_SIGNS = 80
"""So much is repeated of what was named."""


def add_word(
    words: argparse._SubParsersAction[argparse.ArgumentParser],
    word: str,
    run: Callable[[argparse.Namespace], int],
    sentence: str,
) -> argparse.ArgumentParser:
    """A word of a command that has several: what it runs, and the sentence that says it; what it returns takes more."""
    parser = words.add_parser(word, help=sentence)
    parser.set_defaults(run=run)
    return parser


def add_models_folder(parser: argparse.ArgumentParser) -> None:
    """`--models FOLDER`"""
    parser.add_argument(
        "--models",
        type=Path,
        default=right_settings().models.expanduser(),
        help="folder of the prepared models (VISAVIS_MODELS; default: %(default)s)",
    )


def add_effects_folder(parser: argparse.ArgumentParser) -> None:
    """`--effects FOLDER`"""
    parser.add_argument(
        "--effects",
        type=_folder,
        default=right_settings().effects,
        metavar="FOLDER",
        help="folder whose Python files are effects of your own (VISAVIS_EFFECTS; default: %(default)s)",
    )


def refuse_effects_of_another(options: argparse.Namespace) -> None:
    """Raises Rejected where `--effects` stands beside `--server`. A variable is for all commands, and may go unused."""
    if options.server and options.effects != read_settings(LocalSettings).effects:
        raise Rejected(
            "no-effects",
            "A running service draws by its own effects: leave out --effects here, and start it with VISAVIS_EFFECTS.",
        )


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return Path(text)


def add_server(parser: argparse.ArgumentParser) -> None:
    """`--server URL`"""
    parser.add_argument("--server", metavar="URL", help="a running service; without it one is started for the moment")
    add_key(parser)


def add_key(parser: argparse.ArgumentParser) -> None:
    """`--key KEY`"""
    parser.add_argument(
        "--key",
        default=right_settings().key.get_secret_value(),
        help="the API key that a running service is sent; better by VISAVIS_KEY, which no list of processes shows",
    )


def add_running_server(parser: argparse.ArgumentParser) -> None:
    """`--server URL`, for what only a service that runs on can do."""
    parser.add_argument("--server", metavar="URL", default=USUAL_SERVER, help="a running service (%(default)s)")
    add_key(parser)


@contextmanager
def running(options: argparse.Namespace, hint: str) -> Iterator[Client]:
    """A client of the service that `add_running_server` names. hint: what is said besides where nobody is there."""
    try:
        with Client(address_of(options.server), key=options.key) as client:
            yield client
    except ProblemError as problem:
        if problem.code != "unreachable":
            raise
        raise ProblemError(problem.code, f"{problem.detail} {hint}", problem.status, problem.trace_id) from problem


def add_look(parser: argparse.ArgumentParser) -> None:
    """`--look NAME, JSON or @FILE`"""
    parser.add_argument(
        "--look",
        default="default",
        metavar="LOOK",
        help=f"{', '.join(PRESETS)}, a JSON object, or @file.json; see `visavis looks` (%(default)s)",
    )


def look_text(look: str) -> str:
    """A look as it stands in what `--look` was given, checked. Raises Rejected `invalid-look`, OSError.

    Effects that Visavis has not itself are left to the service, which knows whether it has them. Files that the look
    names must be there; `uploaded` puts their assets in their place.
    """
    text = Path(look[1:]).read_bytes().decode("utf-8-sig", errors="replace") if look.startswith("@") else look
    try:
        check_look(_replaced(text, look, _stand_in))
    except Rejected as error:
        if name := next(unmarked(_members(text)), ""):
            detail = f"{error.detail} If {name[:_SHOWN_SIGNS]} is a file, write ./ before it."
            raise Rejected(error.code, detail) from error
        raise
    return text


def uploaded(look: str, client: Client) -> str:
    """What `look_text` gives, with the files that it names uploaded and replaced by their assets' ids."""
    return _replaced(look_text(look), look, lambda path: str(client.upload_asset(path)["id"]))


def with_files(look: str, asset_id: Callable[[Path], str]) -> tuple[str, dict[str, Path]]:
    """What `look_text` gives, with ids in the place of the files that it names, and those files by their ids."""
    files: dict[str, Path] = {}

    def note(path: Path) -> str:
        asset = asset_id(path)
        files[asset] = path
        return asset

    return _replaced(look_text(look), look, note), files


def names_files(look: str) -> bool:
    """Whether a look, checked before, names files that are to be uploaded."""
    text = look_text(look)
    return _replaced(text, look, _stand_in) != text


def _stand_in(path: Path) -> str:
    """An id like that of a file's asset. Raises OSError if there is no such file."""
    with path.open("rb"):
        return "0" * ID_DIGITS


def _replaced(text: str, look: str, upload: Callable[[Path], str]) -> str:
    """A look with ids in the place of files, which are named from the folder of the file that it stands in, or here."""
    if not (members := _members(text)):
        return text
    replaced = with_uploads(members, upload, Path(look[1:]).parent if look.startswith("@") else Path())
    return text if replaced == members else json.dumps(replaced)


def _members(text: str) -> dict[str, Any]:
    """Of a look's object; none of a preset's name, and of what is no JSON."""
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return members if isinstance(members, dict) else {}


def add_models(parser: argparse.ArgumentParser) -> None:
    """`--detector NAME --landmarks NAME`"""
    named = "as `visavis models list` has it under `asked for as`"
    parser.add_argument("--detector", default="", metavar="NAME", help=f"the model that finds faces, {named}")
    parser.add_argument(
        "--landmarks",
        default="",
        metavar="NAME",
        help=f"the model that places landmarks, {named}, or `keypoints`: those of a detector that gives five",
    )


def chosen_models(options: argparse.Namespace) -> dict[str, str]:
    """What `add_models` added, as the client takes it."""
    return {"detector": options.detector, "landmarks": options.landmarks}


def add_live(parser: argparse.ArgumentParser) -> None:
    """`--codec NAME --max-delay MS`"""
    parser.add_argument("--codec", choices=CODECS, default=CODECS[0], help="how frames are coded (%(default)s)")
    parser.add_argument(
        "--max-delay",
        type=_delay_ms,
        default=USUAL_DELAY_MS,
        metavar="MS",
        help="a frame that is older, milliseconds from its arrival, is dropped (%(default)s)",
    )


def _delay_ms(text: str) -> int:
    least, most = 20, 60_000  # as in visavis/v1/streams.proto
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text} is none of {least}..{most} milliseconds")
    return int(text)


def address_of(server: str) -> str:
    """The REST address of a server that is named with or without `http://`."""
    return server if "://" in server else f"http://{server}"


@contextmanager
def server(options: argparse.Namespace, console: Console) -> Iterator[str]:
    """The REST address of the named service, or of a short-lived one of our own that leaves nothing behind."""
    if options.server:
        yield address_of(options.server)
        return
    with started(options, console) as stack:
        yield stack.rest


@contextmanager
def started(options: argparse.Namespace, console: Console) -> Iterator[Stack]:
    """A short-lived service of our own that leaves nothing behind."""
    prepare(options.models, console.print)
    with TemporaryDirectory(prefix="visavis-") as folder:
        console.print("Starting the services...")
        asked = StackOptions(
            var=Path(folder), models=options.models, effects=options.effects, environment=dict(ON_LOOPBACK)
        )
        with Stack(asked) as stack:
            yield stack
