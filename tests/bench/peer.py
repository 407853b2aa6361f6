"""Analysis through a warm service against the official Face Mesh loop in Python, decoding included, in turn."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import av

from shared.model.errors import Unavailable
from tests.bench.environments import conversation, environment, older_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from visavis.client import Client

MEDIA = Path(__file__).parents[3] / "shared" / "media"
CLIPS = ("signer_plain.mkv", "two_heads.mp4")
PEER = "mediapipe==0.10.21"
OLDEST, NEWEST = (3, 9), (3, 12)
"""Python versions that the peer has wheels for."""
ASKED = 1.5
TIMES = 10
"""The clips are short: each is measured as it is and so many times as long."""
ROUNDS, LONG_ROUNDS = 5, 3
LOOP = Path(__file__).with_name("peer_loop.py")


def measure(client: Client, folder: Path) -> dict[str, Any]:
    """Frames a second of both by clip, medians of interleaved rounds, and the median of their ratio in a round.

    client: of a warm service. folder: for what is written on the way. Where the clips or the peer cannot be had the
    figures are one sentence, under `skipped`.
    """
    missing = [name for name in CLIPS if not (MEDIA / name).exists()]
    if missing:
        return {"skipped": f"The clips {', '.join(missing)} are not on this machine."}
    try:
        python = environment(PEER.replace("==", "-"), [PEER], older_python(NEWEST, OLDEST))
    except Unavailable as reason:
        return {"skipped": str(reason)}
    clips = {MEDIA / name: ROUNDS for name in CLIPS}
    clips |= {lengthened(clip, folder / f"{clip.stem}_{TIMES}x.mp4"): LONG_ROUNDS for clip in clips}
    with peer_loop(python) as peer:
        ways: dict[str, Callable[[Path], dict[str, Any]]] = {
            "visavis": lambda clip: through_service(client, clip, folder / "faces.jsonl"),
            "mediapipe": peer,
        }
        by_clip = {clip.name: _clip_figures(ways, clip, rounds) for clip, rounds in clips.items()}
    return {"peer": PEER, "asked": ASKED, "clips": by_clip}


def _clip_figures(ways: dict[str, Callable[[Path], dict[str, Any]]], clip: Path, rounds: int) -> dict[str, Any]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            one = way(clip)
            if turn:  # the first round warms caches
                found[name].append(one)
    speeds = {name: [one["frames"] / one["seconds"] for one in ones] for name, ones in found.items()}
    ratios = [ours / theirs for ours, theirs in zip(speeds["visavis"], speeds["mediapipe"], strict=True)]
    return {
        "frames": found["visavis"][0]["frames"],
        "faces": {name: ones[0]["faces"] for name, ones in found.items()},
        "frames_per_second": speeds,
        "median": {name: median(each) for name, each in speeds.items()},
        "ratio": median(ratios),  # of neighbours in time: a busy machine is busy for both
    }


def through_service(client: Client, clip: Path, target: Path) -> dict[str, Any]:
    """One job as `visavis analyze` does it, from the first byte sent to the last face received."""
    started = time.perf_counter()
    job = client.submit_job(clip, look="none", want="faces")
    for document in client.events(job["id"]):
        job = document
    if job["state"] != "done":
        raise RuntimeError(f"the job {job['state']}: {job['problem']}")
    client.download(job["id"], target)
    seconds = time.perf_counter() - started
    faces = sum(len(json.loads(line)["faces"]) for line in target.read_text().splitlines())
    return {"frames": job["frames"], "faces": faces, "seconds": seconds}


@contextmanager
def peer_loop(python: Path) -> Iterator[Callable[[Path], dict[str, Any]]]:
    """The peer in a process of its own, which waits between clips."""
    with conversation(python, LOOP) as ask:
        yield lambda clip: ask(str(clip))


def lengthened(clip: Path, target: Path) -> Path:
    """The clip TIMES in a row, encoded once more (x264, crf 18)."""
    count = 0
    with av.open(str(target), "w") as written:
        encoder: Any = None
        for _ in range(TIMES):
            with av.open(str(clip)) as read:
                video = read.streams.video[0]
                if encoder is None:
                    rate = video.average_rate or Fraction(25)
                    encoder = written.add_stream("libx264", rate=rate, options={"crf": "18"})
                    encoder.width, encoder.height, encoder.pix_fmt = video.width, video.height, "yuv420p"
                    encoder.codec_context.time_base = 1 / rate
                for frame in read.decode(video):
                    frame.pts, frame.time_base, frame.pict_type = count, encoder.codec_context.time_base, 0
                    written.mux(encoder.encode(frame))
                    count += 1
        written.mux(encoder.encode(None))
    return target
