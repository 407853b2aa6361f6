"""`visavis keys`: make, list and revoke the API keys of a deployment, in its object store."""

from __future__ import annotations

import argparse
import asyncio
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from rich.console import Console

from shared.model.errors import Misconfigured
from shared.model.keys import Quotas, Scope, split_key
from shared.transport.keys import KeyRing
from shared.transport.store import ObjectStore
from visavis.cli.options import add_word
from visavis.settings import right_settings

if TYPE_CHECKING:
    from shared.model.keys import KeyRecord

ALL = "all"
"""In the place of every scope."""
MOST_NAME_SIGNS = 64
DAY_SECONDS = 86_400
MOST_COUNT = 1 << 40
_QUOTAS = (
    ("pixels_per_second", "of pictures and live streams, in the mean"),
    ("bytes_per_day", "of what is uploaded"),
    ("sessions", "live streams at a time"),
)


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("keys", help="make, list and revoke the API keys of a deployment")
    words = parser.add_subparsers(required=True, metavar="WHAT")
    adding = add_word(words, "add", add_key, "make a key and print it, this once")
    adding.add_argument("name", metavar="NAME", type=_name, help="what the key is called in `visavis keys list`")
    scopes = [*(scope.value for scope in Scope), ALL]
    adding.add_argument(
        "--scope", action="append", required=True, choices=scopes, help="what it is for; again for more"
    )
    for quota, of_what in _QUOTAS:
        option = f"--{quota.replace('_', '-')}"
        adding.add_argument(option, type=_count, default=0, metavar="N", help=f"{of_what}; 0: no bound (%(default)s)")
    adding.add_argument("--days", type=_count, default=0, metavar="N", help="it expires after so long; 0: never")
    listing = add_word(words, "list", list_keys, "list the keys, the oldest first")
    revoking = add_word(words, "revoke", revoke_key, "have nobody use a key any more, within seconds")
    revoking.add_argument("prefix", metavar="PREFIX", help="as `visavis keys list` shows it")
    for any_of_them in (adding, listing, revoking):
        any_of_them.add_argument(
            "--var", type=Path, default=Path("var"), help="the folder of the deployment's jobs (%(default)s)"
        )
        any_of_them.add_argument(
            "--store",
            default=right_settings().store_url,
            metavar="URL",
            help="its object store (VISAVIS_STORE_URL; default: VAR/objects)",
        )


def add_key(options: argparse.Namespace) -> int:
    """Make a key; it is the output, what there is to say of it stands beside."""
    scopes = list(Scope) if ALL in options.scope else [Scope(word) for word in options.scope]
    quotas = Quotas(**{quota: getattr(options, quota) for quota, _ in _QUOTAS})
    expires = time.time() + options.days * DAY_SECONDS if options.days else None
    store = ObjectStore.open(store_url(options))
    key = asyncio.run(KeyRing(store).add(options.name, scopes, quotas, expires))
    _console().print(key)
    _console(stderr=True).print(
        f"This is shown once. It is a key for the deployment with the store {store_url(options)}."
    )
    return 0


def list_keys(options: argparse.Namespace) -> int:
    """One line a key."""
    records = asyncio.run(_ring(options).all())
    for record in records:
        _console().print(line_of(record, time.time()))
    if not records:
        _console(stderr=True).print("none")
    return 0


def revoke_key(options: argparse.Namespace) -> int:
    """Revoke a key by its prefix, or by the key itself. Raises Lost if there is none."""
    parts = split_key(options.prefix)
    record = asyncio.run(_ring(options).revoke(parts[0] if parts else options.prefix))
    _console(stderr=True).print(f"Revoked {record.prefix} ({record.name}).")
    return 0


def line_of(record: KeyRecord, now_unix_seconds: float) -> str:
    """A key in one line: prefix, state, name, scopes, quotas, and when it was made."""
    bounds = [f"{quota}={count}" for quota, _ in _QUOTAS if (count := getattr(record.quotas, quota))]
    created = datetime.fromtimestamp(record.created_unix_seconds, UTC).date()
    words = (
        record.prefix,
        f"{_state(record, now_unix_seconds):8}",
        record.name,
        ",".join(record.scopes),
        *bounds,
        f"since {created}",
    )
    return "  ".join(words)


def store_url(options: argparse.Namespace) -> str:
    """The object store that `--store` or `--var` names, as `visavis up` with the same would have it."""
    return str(options.store or (options.var.resolve() / "objects").as_uri())


def _ring(options: argparse.Namespace) -> KeyRing:
    """The keys that there are. Raises Misconfigured if there is no such folder: there is nothing to make."""
    url = urlsplit(store_url(options))
    if url.scheme == "file" and not Path(unquote(url.path)).is_dir():
        raise Misconfigured(f"There is no object store at {unquote(url.path)}: name one by --var or --store.")
    return KeyRing(ObjectStore.open(store_url(options)))


def _state(record: KeyRecord, now_unix_seconds: float) -> str:
    if record.revoked_unix_seconds is not None:
        return "revoked"
    return "valid" if record.holds(now_unix_seconds) else "expired"


def _name(text: str) -> str:
    if not text.strip() or len(text) > MOST_NAME_SIGNS or not text.isprintable():
        raise argparse.ArgumentTypeError(f"a name is 1 to {MOST_NAME_SIGNS} printable signs")
    return text


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > MOST_COUNT:
        raise argparse.ArgumentTypeError(f"{text} is no whole number from 0 to 2^40")
    return int(text)


def _console(*, stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False)
