"""`visavis process --offline`: the whole way of a file in this process."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from services.detect.models.preparing import prepare
from shared.model.errors import Rejected
from shared.model.jobs import Want
from shared.model.offers import ModelChoice
from visavis.cli.jobs import frames_bar
from visavis.cli.options import chosen_models, with_files

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from shared.model.media import MediaKind


def process(options: argparse.Namespace, kind: MediaKind, reply_kind: MediaKind, console: Console) -> None:
    """Work on `options.input` and write `options.output`.

    kind: of the input; reply_kind: of a picture's result. Raises Rejected for what is wrong with either, or where a
    server is named as well.
    """
    # Here alone: no other command needs the cores of three services, which take half a second to load.
    from visavis.oneshot.offline import Task, asset_id, process  # noqa: PLC0415
    from visavis.oneshot.settings import OneshotSettings  # noqa: PLC0415

    if options.server:
        raise Rejected("no-server", "With --offline nothing is sent to a server: leave out --server or --offline.")
    prepare(options.models, console.print)
    settings = OneshotSettings.read(options.models, options.effects)
    look, files = with_files(options.look, asset_id)
    models = ModelChoice(**chosen_models(options))
    task = Task(options.input, options.output, look, files, Want(options.want), models, kind, reply_kind)
    with frames_bar(console) as bar:
        running = bar.add_task(options.input.name, total=None, frames="loading")

        def tell(frames: int, expected: int) -> None:
            bar.update(running, completed=frames, total=expected or None, frames=f"{frames} frames")

        notice = asyncio.run(process(settings, task, tell))
    if notice:
        console.print(f"Note: {notice}")
