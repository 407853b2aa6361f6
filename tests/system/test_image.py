"""The function's images, really built and run, where a container engine runs; no test starts one.

Only where VISAVIS_IMAGE_BASE names the image that they are made from (the Dockerfile's own: python:3.11-slim): a build
takes minutes and needs a network. To be run as root, to whom alone all belongs that containers write.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import av
import httpx
import pytest

from shared.model.jobs import part_key, source_key
from tests.functions import ROOT, function
from tests.runtime_interface import runtime_interface

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.functions import FunctionProcess

pytestmark = pytest.mark.timeout(1800)
FRAMES = 56
DOCUMENT: dict[str, Any] = {
    "type": "SegmentRequested", "job": "j", "segment": 0, "want": "picture", "look": {"smooth": 0.5}
}  # fmt: skip


def docker(*words: str) -> subprocess.CompletedProcess[str]:
    """What a command of the engine came to; skips the test where there is no such program."""
    if shutil.which("docker") is None:
        pytest.skip("There is no container engine to build images: install docker and start it.")
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    return subprocess.run(("docker", *words), check=False, cwd=ROOT, env=environment, capture_output=True, text=True)


@pytest.fixture(scope="module")
def base() -> str:
    """The image that others are made from."""
    name = os.environ.get("VISAVIS_IMAGE_BASE", "")
    if not name or os.geteuid():
        pytest.skip("Images are built where VISAVIS_IMAGE_BASE names what they are made from, and by root.")
    if docker("version", "--format", "{{.Server.Version}}").returncode:
        pytest.skip("No container engine answers, so that no image can be built: start one.")
    if docker("image", "inspect", name).returncode and docker("pull", name).returncode:
        pytest.skip(f"There is no base image {name}: pull it, or name another one by VISAVIS_IMAGE_BASE.")
    return name


@pytest.fixture(scope="module")
def built(base: str) -> Iterator[Callable[[str], str]]:
    """Builds a target of the Dockerfile; its name."""
    names: list[str] = []

    def build(target: str) -> str:
        names.append(f"visavis-test-{target}-{secrets.token_hex(4)}")
        words = "build", "--network", "host", "-f", "deploy/serverless/Dockerfile", "--target", target, "-t", names[-1]
        done = docker(*words, "--build-arg", f"BASE={base}", "--build-arg", "PIP_INDEX_URL", ".")
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return names[-1]

    yield build
    for name in names:
        docker("image", "rm", name)


@pytest.fixture
def objects(media: Callable[[str], Path], tmp_path: Path) -> Path:
    """An object store with an upload, which whoever runs in a container may write to."""
    folder = tmp_path / "objects"
    (folder / source_key("j")).parent.mkdir(parents=True)
    shutil.copy(media("two_heads.mp4"), folder / source_key("j"))
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o777)
    return folder


@contextmanager
def running(image: str, objects: Path, variables: dict[str, str]) -> Iterator[FunctionProcess]:
    """A container on the host's network; gone afterwards."""
    name = f"visavis-test-{secrets.token_hex(4)}"
    said = {"VISAVIS_STORE_URL": "file:///objects", **variables}
    words = [word for variable in said.items() for word in ("-e", "=".join(variable))]
    started = "docker", "run", "--rm", "--name", name, "--network", "host", "-v", f"{objects}:/objects", *words, image
    try:
        with function(started, {}) as process:
            try:
                yield process
            finally:
                docker("kill", name)
    finally:
        docker("rm", "--force", name)


def frames_of(objects: Path) -> int:
    with av.open(str(objects / part_key("j", 0))) as opened:
        return sum(1 for _ in opened.decode(video=0))


def test_the_image_for_lambda_does_a_segment(built: Callable[[str], str], objects: Path) -> None:
    image = built("lambda")
    with (
        runtime_interface() as interface,
        running(image, objects, {"AWS_LAMBDA_RUNTIME_API": interface.address}) as process,
    ):
        process.wait_for("step", "ready")
        interface.send("one", DOCUMENT)
        told = interface.hear()
        assert (told.word, told.body.get("type")) == ("response", "SegmentDone"), told.body
        assert told.body["frames"] == FRAMES
    assert frames_of(objects) == FRAMES


def test_the_image_over_http_does_a_segment_as_nobody(built: Callable[[str], str], objects: Path) -> None:
    image = built("http")
    with running(image, objects, {"PORT": "0", "VISAVIS_HOST": "127.0.0.1"}) as process:
        port = process.wait_for("event", "listening")["port"]
        answer = httpx.post(f"http://127.0.0.1:{port}/", json=DOCUMENT, timeout=120.0, trust_env=False)
        assert (answer.status_code, answer.json().get("frames")) == (200, FRAMES), answer.text
    assert frames_of(objects) == FRAMES
    assert (objects / part_key("j", 0)).stat().st_uid == 65532
