"""The commands that a user types, as processes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av
import httpx
import psutil  # type: ignore[import-untyped]  # has no stubs among our dependencies
import pytest
from PIL import Image

from shared.memory.segment import segment_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from visavis.stack import Stack

SECONDS = 120
NOBODY = "http://127.0.0.1:9"
"""The discard port, where nobody listens."""


def visavis(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command, to its end."""
    command = [sys.executable, "-m", "visavis", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)


@contextmanager
def started(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A command that runs on, ended in any case."""
    command = [sys.executable, "-m", "visavis", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said_until(process: subprocess.Popen[str], begin: str) -> str:
    """What a command has written up to the line that begins so."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith(begin):
            return "".join(lines)
    pytest.fail(f"the command ended after {lines}")


def lane_of(family: list[psutil.Process]) -> str:
    """The lane of a service and its children. Other services may run on this machine, too."""
    [lane] = {found for process in family if (found := process.environ().get("VISAVIS_LANE"))}
    return str(lane)


@pytest.fixture(scope="module")
def jpeg(portrait: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "portrait.bin"  # a name that says nothing
    path.write_bytes(portrait)
    return path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_up_says_where_it_listens_and_leaves_nothing(models: Path, tmp_path: Path, number: signal.Signals) -> None:
    with started("up", "--rest-port", "0", "--grpc-port", "0", "--var", tmp_path / "var", "--models", models) as up:
        said = said_until(up, "logs ")
        (rest,) = re.findall(r"^REST +(http://127\.0\.0\.1:\d+)$", said, re.MULTILINE)
        assert re.search(r"^gRPC +127\.0\.0\.1:\d+$", said, re.MULTILINE)
        assert httpx.get(f"{rest}/readyz", timeout=SECONDS).status_code == 200
        family = psutil.Process(up.pid).children(recursive=True)
        assert len(family) >= 5
        pool = segment_path(lane_of(family))
        assert pool.exists()
        up.send_signal(number)
        _, errors = up.communicate(timeout=SECONDS)
    assert (up.returncode, errors) == (0, "")
    _, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    assert not pool.exists()
    with pytest.raises(httpx.ConnectError):
        httpx.get(rest)


def test_up_says_which_port_is_taken(stack: Stack, models: Path, tmp_path: Path) -> None:
    port = stack.rest.rpartition(":")[2]
    ended = visavis("up", "--rest-port", port, "--grpc-port", "0", "--var", tmp_path / "var", "--models", models)
    assert ended.returncode == 1
    assert_one_sentence(ended.stderr, port)


def test_up_says_that_a_model_is_not_there(models: Path, tmp_path: Path) -> None:
    ports = ("--rest-port", "0", "--grpc-port", "0")
    ended = visavis("up", *ports, "--var", tmp_path / "var", "--models", models, "--detector", "nobody")
    assert ended.returncode == 1
    assert_one_sentence(ended.stderr, "'nobody'")


def test_process_writes_a_picture_in_the_format_that_the_name_asks_for(
    stack: Stack, jpeg: Path, tmp_path: Path
) -> None:
    target = tmp_path / "better.png"
    ended = visavis("process", jpeg, target, "--look", '{"smooth": 0.5}', "--server", stack.rest)
    assert ended.returncode == 0, ended.stderr
    with Image.open(target) as picture:
        assert (picture.format, picture.size) == ("PNG", (1280, 720))


def test_process_writes_a_video(stack: Stack, clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "better.mkv"
    ended = visavis("process", clip, target, "--look", "natural", "--server", stack.rest)
    assert ended.returncode == 0, ended.stderr
    with av.open(str(target), "r") as file:
        assert sum(1 for _ in file.decode(video=0)) == 48
    assert [path.name for path in tmp_path.iterdir()] == ["better.mkv"]


def test_analyze_writes_a_line_a_frame(stack: Stack, jpeg: Path, clip: Path, tmp_path: Path) -> None:
    for source, frames in ((jpeg, 1), (clip, 48)):
        target = tmp_path / "faces.jsonl"
        ended = visavis("analyze", source, "--out", target, "--server", stack.rest)
        assert ended.returncode == 0, ended.stderr
        lines = [json.loads(line) for line in target.read_text().splitlines()]
        assert [line["frame"] for line in lines] == list(range(frames))
        assert len(lines[0]["faces"][0]["landmarks"]) == 468


def test_live_sends_a_clip_as_a_camera_would_and_writes_what_comes_back(
    stack: Stack, clip: Path, tmp_path: Path
) -> None:
    target = tmp_path / "live.mp4"
    more = ("--look", "natural", "--max-delay", "20000", "--server", stack.grpc)
    ended = visavis("live", clip, target, *more)
    assert ended.returncode == 0, ended.stderr
    [back] = re.findall(r"^Of 48 frames (\d+) came back", ended.stderr, re.MULTILINE)
    assert re.search(r"\d ms \(p50\), .* \d+ ms \(p99\)", ended.stderr)
    with av.open(str(clip)) as file:
        before = {round(frame.time, 3) for frame in file.decode(video=0)}
    with av.open(str(target)) as file:
        after = [(round(frame.time, 3), frame.width, frame.height) for frame in file.decode(video=0)]
    assert len(after) == int(back) > 0, "a busy machine drops frames, and says so"
    assert {time for time, *_ in after} <= before
    assert after[0][1:] == (640, 360)
    assert [path.name for path in tmp_path.iterdir()] == ["live.mp4"]


def test_live_says_what_the_service_refuses(stack: Stack, clip: Path, tmp_path: Path) -> None:
    ended = visavis("live", clip, tmp_path / "live.mp4", "--detector", "nobody", "--server", stack.grpc)
    assert ended.returncode == 1
    assert_one_sentence(ended.stderr, "nobody")
    assert not list(tmp_path.iterdir())


def test_doctor_says_of_everything_whether_it_works(models: Path) -> None:
    ended = visavis("doctor", "--models", models)
    assert ended.returncode == 0, ended.stdout
    for what in ("Python", "NATS server", "models", "shared memory", "disk", "loopback", "GPU"):
        assert re.search(rf"^(ok|absent) +{what}", ended.stdout, re.MULTILINE), what


def test_doctor_says_what_to_do_about_what_does_not_work(tmp_path: Path) -> None:
    ended = visavis("doctor", "--models", tmp_path)
    assert ended.returncode == 1
    assert re.search(r"^fails +models: .+\n +Run `make models`", ended.stdout, re.MULTILINE), ended.stdout


def test_models_are_listed_and_verified(models: Path, tmp_path: Path) -> None:
    listed = visavis("models", "list", "--models", models)
    assert listed.returncode == 0
    assert {"blazeface-full-range", "face-mesh"} <= set(re.findall(r"[a-z-]+", listed.stdout))
    assert visavis("models", "verify", "--models", models).returncode == 0
    damaged = tmp_path / "models"
    damaged.mkdir()
    for path in models.iterdir():
        (damaged / path.name).write_bytes(path.read_bytes())
    mesh = damaged / "face_mesh.onnx"
    mesh.write_bytes(mesh.read_bytes()[:-1])
    ended = visavis("models", "verify", "--models", damaged)
    assert ended.returncode == 1
    assert_one_sentence(ended.stderr, "face_mesh.onnx")


def test_what_went_wrong_is_one_sentence(stack: Stack, jpeg: Path, clip: Path, tmp_path: Path) -> None:
    text, cut, out = tmp_path / "film.mp4", tmp_path / "cut.mp4", tmp_path / "out.jpg"
    text.write_text("dear reader, this is no film")
    cut.write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isommp41")
    for arguments, words in (
        ((tmp_path / "missing.jpg", out), "missing.jpg"),
        ((tmp_path, out), str(tmp_path)),
        ((text, out), "film.mp4"),
        ((cut, tmp_path / "out.mp4"), "moov"),
        ((clip, out), "is a video"),
        ((jpeg, jpeg), "is the input itself"),
        ((jpeg, out, "--look", "gorgeous"), "glamour"),
        ((jpeg, tmp_path / "nowhere" / "out.jpg"), "nowhere"),
        ((clip, tmp_path / "nowhere" / "out.mp4"), "nowhere"),
    ):
        ended = visavis("process", *arguments, "--server", stack.rest)
        assert ended.returncode == 1, arguments
        assert_one_sentence(ended.stderr, words)
        assert not out.exists()
    assert not list(tmp_path.glob("out.*"))


def test_a_server_that_is_not_there_is_named(jpeg: Path, tmp_path: Path) -> None:
    ended = visavis("process", jpeg, tmp_path / "out.jpg", "--server", NOBODY)
    assert ended.returncode == 1
    assert_one_sentence(ended.stderr, NOBODY)


def test_wrong_words_are_answered_with_the_usage() -> None:
    for arguments in ((), ("process",)):
        ended = visavis(*arguments)
        assert ended.returncode == 2
        assert ended.stderr.startswith("usage: visavis")


def assert_one_sentence(errors: str, words: str) -> None:
    """The last line says what is wrong; no stack trace goes before it."""
    assert "Traceback" not in errors
    last = errors.strip().splitlines()[-1]
    assert last.startswith("visavis: ")
    assert words in last
