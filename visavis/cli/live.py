"""`visavis live`: a clip sent over gRPC as a camera would send it, and what comes back as a clip."""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from shared.model.errors import Lost, Rejected
from shared.model.live import LiveCodec
from visavis.cli.options import (
    add_effects_folder,
    add_key,
    add_live,
    add_look,
    add_models,
    add_models_folder,
    look_text,
    names_files,
    refuse_effects_of_another,
    started,
    uploaded,
)
from visavis.cli.process import check_output
from visavis.client import Client
from visavis.packets import CLOCK_HZ, ClipWriter, CodedClip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from visavis.live import LiveStream
    from visavis.v1 import streams_pb2

_COUNTED = frozenset({"dropped", "failed"})
"""Notices of what the account says in the end."""


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("live", help="send a clip as a camera would, and write what comes back")
    parser.add_argument("input", type=Path, metavar="IN")
    parser.add_argument("output", type=Path, metavar="OUT", help="an MP4 file")
    add_look(parser)
    add_live(parser)
    add_models(parser)
    parser.add_argument(
        "--server",
        metavar="HOST:PORT",
        help="gRPC of a running service, https://HOST:PORT for TLS; without it one is started for the moment",
    )
    add_key(parser)
    add_models_folder(parser)
    add_effects_folder(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Send the clip at its own pace, write what comes back, say what became of each frame and how old it was."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    look_text(options.look)  # what is wrong with it is said before anything is started
    refuse_effects_of_another(options)
    check_output(options.output, options.input)
    if options.output.suffix.lower() != ".mp4":
        raise Rejected("unsupported-output", f"What comes back becomes MP4: name it .mp4, not {options.output}.")
    with CodedClip(options.input) as clip:
        if clip.has_sound:
            console.print("Note: live streams of this kind carry no sound; OUT has pictures only.")
        with _service(options, console) as (address, look):
            settings = settings_of(clip, look, options)
            outcome = asyncio.run(_streamed(clip, address, settings, options, console))
    for line in outcome:
        console.print(line)
    console.print(f"Wrote {options.output}")
    return 0


@contextmanager
def _service(options: argparse.Namespace, console: Console) -> Iterator[tuple[str, str]]:
    """The address of gRPC, and the look with its files uploaded. Raises Rejected where nobody would take them."""
    if not options.server:
        with started(options, console) as stack, Client(stack.rest) as client:
            yield stack.grpc, uploaded(options.look, client)
        return
    if names_files(options.look):
        raise Rejected(
            "invalid-look",
            "The look names files, which gRPC does not take: upload them by `visavis assets add` and name their ids.",
        )
    yield options.server, look_text(options.look)


def settings_of(clip: CodedClip, look: str, options: argparse.Namespace) -> streams_pb2.StreamSettings:
    """What the service is told of the clip before its frames."""
    from visavis.v1 import streams_pb2  # noqa: PLC0415  -- see _streamed

    return streams_pb2.StreamSettings(
        input=streams_pb2.StreamInput(
            codec=streams_pb2.Codec.Value(f"CODEC_{clip.codec.name}"),
            width=clip.width,
            height=clip.height,
            rate=clip.rate,
            clock_hz=CLOCK_HZ,
            header=clip.header,
        ),
        output=streams_pb2.StreamOutput(codec=streams_pb2.Codec.Value(f"CODEC_{options.codec.upper()}")),
        look_name=look,
        max_delay_ms=options.max_delay,
        detector=options.detector,
        landmarks=options.landmarks,
    )


async def _streamed(
    clip: CodedClip,
    address: str,
    settings: streams_pb2.StreamSettings,
    options: argparse.Namespace,
    console: Console,
) -> list[str]:
    """The whole conversation; what there is to say of it. Raises ProblemError, Rejected, and Lost if nothing came."""
    from visavis.live import LiveStream  # noqa: PLC0415  -- gRPC takes a while to load, and this command alone needs it

    part = options.output.with_name(options.output.name + ".part")
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[frames]}"), TimeElapsedColumn())
    try:
        with (
            Progress(*columns, console=console) as bar,
            ClipWriter(part, LiveCodec(options.codec), (clip.width, clip.height), clip.rotation) as writer,
        ):
            talk = Talk(clip, writer, bar)
            async with LiveStream(address, settings, options.key) as stream:
                await talk.run(stream)
        if not writer.frames:
            raise Lost(f"No frame came back. {account_line(stream.account)}")
        part.replace(options.output)
    finally:
        part.unlink(missing_ok=True)
    return [account_line(stream.account), delay_line(talk.ages_ms)]


class Talk:
    """One clip through one stream."""

    def __init__(self, clip: CodedClip, writer: ClipWriter, bar: Progress) -> None:
        self._clip, self._writer, self._bar = clip, writer, bar
        self._task = bar.add_task(clip.name, total=clip.seconds or None, frames="")
        self._sent = 0
        self.ages_ms: list[float] = []
        """Of each frame that came back."""

    async def run(self, stream: LiveStream) -> None:
        """Send and take until the service has told of every frame."""
        sending = asyncio.create_task(self._send(stream))
        try:
            async for message in stream:
                self._take(message)
            await sending
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def _send(self, stream: LiveStream) -> None:
        start = time.monotonic()
        try:
            for frame in self._clip.frames():
                await asyncio.sleep(start + frame.at_seconds - time.monotonic())
                await stream.send(frame.pts, frame.data, key=frame.key)
                self._sent += 1
                self._show(frame.at_seconds)
        finally:
            await stream.end()

    def _take(self, message: streams_pb2.ServerMessage) -> None:
        if message.HasField("frame"):
            frame = message.frame
            self._writer.write(frame.pts, frame.dts, frame.data, key=frame.key)
            self.ages_ms.append(frame.age_ms)
        elif message.HasField("notice") and message.notice.kind not in _COUNTED:
            self._bar.console.print(f"Note: {message.notice.detail}")

    def _show(self, seconds: float) -> None:
        age = f", {self.ages_ms[-1]:.0f} ms" if self.ages_ms else ""
        self._bar.update(self._task, completed=seconds, frames=f"{self._sent} sent, {self._writer.frames} back{age}")


def account_line(account: streams_pb2.Account | None) -> str:
    """What became of all frames, in one sentence."""
    if account is None:
        return "The service told no account."
    dropped = "".join(f", {one.count} dropped in {one.place} ({one.reason})" for one in account.dropped)
    failed = f", {account.failed} not decoded" if account.failed else ""
    return f"Of {account.received} frames {account.delivered} came back{dropped}{failed}."


def delay_line(ages_ms: Sequence[float]) -> str:
    """How old frames were when the service gave them back."""
    ordered = sorted(ages_ms)
    middle, late = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.5, 0.99))
    return f"Delay in the service: half of the frames under {middle:.0f} ms (p50), 99 of 100 under {late:.0f} ms (p99)."
