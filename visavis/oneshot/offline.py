"""One file of a user's own, without any service: what `visavis process --offline` does."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shared.model.assets import unpack
from shared.model.faces import face_document
from shared.model.jobs import Want
from shared.model.look_text import parse_look
from shared.model.looks import Look
from shared.model.needs import refuse_opaque
from shared.model.parameters import ID_DIGITS
from visavis.oneshot.oneshot import Oneshot, Wish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.assets import Prepared
    from shared.model.media import MediaKind
    from shared.model.offers import ModelChoice
    from visavis.oneshot.oneshot import Progress, StillMade
    from visavis.oneshot.settings import OneshotSettings


class Task(NamedTuple):
    """What is to be done."""

    source: Path
    target: Path
    look: str
    """As a request has it: a preset's name or JSON, with the ids of `files`."""
    files: Mapping[str, Path]
    """Assets of the look, by the ids that stand for them: see `asset_id`."""
    want: Want
    models: ModelChoice
    kind: MediaKind
    """Of the source."""
    reply_kind: MediaKind | None = None
    """Of a picture's result; None: that of the source."""


def asset_id(path: Path) -> str:
    """The id that a service would give the file as an asset. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:ID_DIGITS]


async def process(settings: OneshotSettings, task: Task, tell: Progress) -> str:
    """Do it; the sentence about what is damaged in the source, empty if all is well.

    tell: is told the frames that are drawn and those to be expected. Raises Rejected for what is wrong with file or
    wish, Misconfigured for models that are not there. Nothing is left at the target then.
    """
    async with await Oneshot.started(settings) as oneshot:
        look = parse_look(task.look, oneshot.effects.offers) if task.want is Want.PICTURE else Look()
        refuse_opaque(look, keeps_alpha=task.kind.is_still and (task.reply_kind or task.kind).keeps_alpha)
        with TemporaryDirectory(prefix="visavis-") as name:
            folder = Path(name)
            assets = {asset: await _prepared(oneshot, path, folder) for asset, path in task.files.items()}
            wish = Wish(task.want, look, task.models, assets)
            if not task.kind.is_still:
                return await _video(oneshot, task, wish, folder, tell)
            made = await oneshot.still(task.source.read_bytes(), wish, task.reply_kind)
            tell(1, 1)
            task.target.write_bytes(_faces(made) if task.want is Want.FACES else made.picture)
            return ""


async def _prepared(oneshot: Oneshot, source: Path, folder: Path) -> Prepared:
    target = folder / "asset"
    await oneshot.read_asset(source, target)
    return unpack(target.read_bytes())


async def _video(oneshot: Oneshot, task: Task, wish: Wish, folder: Path, tell: Progress) -> str:
    part, joined = folder / "part", folder / "result"
    done = await oneshot.video(task.source, part, wish, tell)
    if task.want is Want.PICTURE:
        await oneshot.join(part, task.source, joined, done.summary)
        part = joined
    await asyncio.to_thread(_moved, part, task.target)
    return done.summary.notice


def _moved(source: Path, target: Path) -> None:
    """Into a file that is there when it is whole; the two may lie on different disks."""
    beside = target.with_name(target.name + ".part")
    try:
        shutil.copyfile(source, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def _faces(made: StillMade) -> bytes:
    """As one line of `faces.jsonl`."""
    geometry = made.finished.facts.geometry
    document = {
        "frame": 0,
        "pts_seconds": 0.0,
        "width": geometry.width,
        "height": geometry.height,
        "faces": [face_document(face) for face in made.faces],
    }
    return msgspec.json.encode(document) + b"\n"
