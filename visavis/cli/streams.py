"""`visavis streams`: begin, list, show, watch, change, end and remove the live streams of a running service."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING, Any

from rich.console import Console

from shared.model.errors import Rejected, Unavailable
from visavis.cli.options import (
    add_live,
    add_look,
    add_models,
    add_running_server,
    add_word,
    address_of,
    chosen_models,
    look_text,
    running,
    uploaded,
)
from visavis.client import ProblemError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from visavis.client import Client

OVER = frozenset({"ended", "failed"})
_HINT = "Streams belong to a running service: start `visavis up`, or name one by --server."


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("streams", help="have live sources fetched: begin, list, show, end, ...")
    words = parser.add_subparsers(required=True, metavar="WHAT")
    beginning = add_word(words, "begin", begin, "fetch a live source and give it out; prints the id of the stream")
    beginning.add_argument("source", metavar="SOURCE", help="rtmp(s)://, rtsp(s)://, srt://, http(s)://")
    _add_outputs(beginning)
    add_look(beginning)
    add_live(beginning)
    add_models(beginning)
    listing = add_word(words, "list", list_streams, "list the streams, the newest first")
    showing = add_word(words, "show", show, "say all of a stream, as JSON")
    watching = add_word(words, "watch", watch, "tell what happens to a stream, to its end")
    changing = add_word(words, "change", change, "another look, or other outputs than before")
    ending = add_word(words, "end", end, "end a stream; HLS and recording stay")
    removing = add_word(words, "remove", remove, "remove HLS and recording of a stream that is over")
    for naming in (showing, watching, changing, ending, removing):
        naming.add_argument("id", metavar="ID")
    add_look(changing)
    changing.set_defaults(look=None)
    _add_outputs(changing)
    for any_of_them in (beginning, listing, showing, watching, changing, ending, removing):
        add_running_server(any_of_them)


def _add_outputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hls", action="store_true", help="a playlist for players and browsers")
    parser.add_argument("--push", action="append", default=[], metavar="URL", help="an RTMP server, rtmp(s)://")
    parser.add_argument("--record", action="store_true", help="a recording, to be had when the stream is over")


def outputs_of(options: argparse.Namespace) -> list[dict[str, Any]]:
    """What `--hls`, `--push` and `--record` ask for, as the service takes it."""
    pushes: list[dict[str, Any]] = [{"rtmp": url} for url in options.push]
    return [*([{"hls": {}}] if options.hls else []), *pushes, *([{"record": {}}] if options.record else [])]


def begin(options: argparse.Namespace) -> int:
    """Begin a stream; its id is the output, where its fruits are is told beside."""
    look_text(options.look)
    outputs = outputs_of(options)
    if not outputs:
        raise Rejected("no-output", "Nothing would come of the stream: name --hls, --push URL or --record.")
    named = {name: model for name, model in chosen_models(options).items() if model}
    more = {"output": {"codec": options.codec}, "max_delay_ms": options.max_delay, **named}
    with running(options, _HINT) as client:
        stream = client.begin_stream(options.source, outputs, uploaded(options.look, client), **more)
    _console().print(stream["id"])
    for what, sentence in (("hls", "Plays in some seconds"), ("record", "The recording, when the stream is over")):
        if what in stream["links"]:
            _console(stderr=True).print(f"{sentence}: {address_of(options.server)}{stream['links'][what]}")
    return 0


def list_streams(options: argparse.Namespace) -> int:
    """One line a stream: id, state, source, account."""
    with running(options, _HINT) as client:
        for stream in client.streams():
            _console().print(f"{stream['id']}  {stream['state']:8} {stream['source']}  {account_text(stream)}")
    return 0


def show(options: argparse.Namespace) -> int:
    """Print all that the service tells of a stream."""
    with running(options, _HINT) as client:
        _console().print(json.dumps(client.stream(options.id), indent=1))
    return 0


def watch(options: argparse.Namespace) -> int:
    """Print each event as a line. Raises Unavailable with the reason if the stream fails."""
    stream: dict[str, Any] = {}
    told = 0.0
    with running(options, _HINT) as client:
        for stream in client.stream_events(options.id):
            for notice in news_of(stream, told):
                told = notice["at"]
                _console().print(f"{notice['kind']}: {notice['detail']}")
            _console().print(f"{stream['state']:8} {account_text(stream)}")
    if stream["state"] == "failed":
        raise Unavailable(f"The stream failed: {(stream['problem'] or {}).get('detail', 'no reason was given')}")
    return 0


def news_of(stream: dict[str, Any], told: float) -> Iterator[dict[str, Any]]:
    """Notices of a stream that are newer than the one that was told last, seconds since 1970."""
    return (notice for notice in stream["notices"] if notice["at"] > told)


def account_text(stream: dict[str, Any]) -> str:
    """The account in one line: received = delivered + dropped + failed + under way."""
    account = stream["account"]
    dropped = sum(one["count"] for one in account["dropped"])
    places = ", ".join(f"{one['count']} {one['reason']} in {one['place']}" for one in account["dropped"])
    return (
        f"{account['received']} received, {account['delivered']} delivered, {dropped} dropped"
        f"{f' ({places})' if places else ''}, {account['failed']} failed, {account['under_way']} under way"
    )


def change(options: argparse.Namespace) -> int:
    """Another look, other outputs, or both."""
    outputs = outputs_of(options) or None
    if options.look is None and outputs is None:
        raise Rejected("invalid-parameter", "Nothing would change: name --look, or all of --hls, --push, --record.")
    with running(options, _HINT) as client:
        look = None if options.look is None else uploaded(options.look, client)
        client.change_stream(options.id, look, outputs)
    return 0


def end(options: argparse.Namespace) -> int:
    """End a stream, and say whether it ran."""
    with running(options, _HINT) as client:
        was_over = client.end_stream(options.id) == "kept"
    told = "It was over already" if was_over else "It ends"
    _console(stderr=True).print(f"{told}; HLS and recording stay until `visavis streams remove {options.id}`.")
    return 0


def remove(options: argparse.Namespace) -> int:
    """Remove what is kept of a stream that is over. Raises Rejected for one that runs, and leaves it running."""
    with running(options, _HINT) as client:
        if _runs(client, options.id):
            raise Rejected("invalid-parameter", f"The stream still runs: `visavis streams end {options.id}` ends it.")
        client.remove_stream(options.id)
    return 0


def _runs(client: Client, stream: str) -> bool:
    """False, too, of one that a gateway has kept which is gone: it knows no more of it, and can remove it."""
    try:
        return client.stream(stream)["state"] not in OVER
    except ProblemError as error:
        if error.code != "not-found":
            raise
        return False


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)
