"""The function's images, really built and run, where a container engine runs; no test starts one.

A build takes minutes and needs a network. To be run as root, to whom alone all belongs that containers write.
"""

from __future__ import annotations

import secrets
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import av
import httpx
import pytest

from shared.model.jobs import part_key, source_key
from tests.functions import function
from tests.runtime_interface import runtime_interface
from tests.system import engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.functions import FunctionProcess

pytestmark = pytest.mark.timeout(1800)
FRAMES = 56
DOCUMENT: dict[str, Any] = {
    "type": "SegmentRequested", "job": "j", "segment": 0, "want": "picture", "look": {"smooth": 0.5}
}  # fmt: skip


@pytest.fixture(scope="module")
def built(image_base: str) -> Iterator[Callable[[str], str]]:
    """Builds a target of the Dockerfile; its name."""
    names: list[str] = []

    def build(target: str) -> str:
        names.append(f"visavis-test-{target}-{secrets.token_hex(4)}")
        engine.build(names[-1], "deploy/serverless/Dockerfile", target, {"BASE": image_base})
        return names[-1]

    yield build
    for name in names:
        engine.docker("image", "rm", name)


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
    started = (
        engine.program(),
        "run",
        "--rm",
        "--name",
        name,
        "--network",
        "host",
        "-v",
        f"{objects}:/objects",
        *words,
        image,
    )
    try:
        with function(started, {}) as process:
            try:
                yield process
            finally:
                engine.docker("kill", name)
    finally:
        engine.docker("rm", "--force", name)


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
