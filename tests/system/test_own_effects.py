"""A file in a folder is an effect of the whole service; a wrong one keeps it from starting, and says which it is."""

from __future__ import annotations

import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from services.gateway.stills import StillClient, StillRequest
from shared.model.errors import Rejected
from shared.model.jobs import Want
from shared.model.looks import Look
from shared.runtime.settings import ServiceSettings
from shared.runtime.telemetry import Telemetry
from shared.transport.nats_bus import NatsBus
from visavis.client import Client, ProblemError
from visavis.stack import Stack, StackOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parents[2] / "docs" / "own-effects.md"
STUMBLE = """
from visavis.effects import effect

@effect("Spoils all, and then fails where something is dark, which nothing is where it is tried.")
def stumble(face):
    dark = face.rgb.min() < 30
    face.rgb[:] = 0
    assert not dark
"""
SECONDS = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example of the docs, and an effect that passes its trial and fails on real pictures."""
    path = tmp_path_factory.mktemp("effects")
    example = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert example
    (path / "freckles.py").write_text(example[1])
    (path / "stumble.py").write_text(STUMBLE)
    return path


@pytest.fixture(scope="module")
def own_stack(models: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    options = StackOptions(var=tmp_path_factory.mktemp("var"), models=models, effects=folder)
    with Stack(options) as running:
        yield running


@pytest.fixture
def own_client(own_stack: Stack) -> Iterator[Client]:
    with Client(own_stack.rest) as connected:
        yield connected


def pixels(picture: bytes) -> np.ndarray:
    with Image.open(BytesIO(picture)) as opened:
        return np.asarray(opened.convert("RGB")).astype(int)


def test_a_still_is_drawn_with_the_example_of_the_docs_and_not_one_pixel_elsewhere(
    own_client: Client, portrait: bytes
) -> None:
    plain, freckled = (
        pixels(own_client.process_image(portrait, look, "image/png"))
        for look in ("none", '{"freckles": {"amount": 1, "density": "many"}}')
    )
    (face,) = own_client.analyze_image(portrait)["faces"]
    rows, columns = np.nonzero((plain != freckled).any(axis=-1))
    x0, y0, x1, y1 = face["box"]
    assert len(rows) > 200
    assert (x0 <= columns.min(), columns.max() <= x1, y0 <= rows.min(), rows.max() <= y1) == (True,) * 4
    assert freckled.sum() < plain.sum()


def test_it_is_listed_with_its_schema(own_client: Client) -> None:
    looks = own_client.looks()
    assert set(looks["effects"]) == {"freckles", "stumble"}
    assert looks["schema"]["properties"]["freckles"] == looks["effects"]["freckles"]
    assert "smooth" in looks["schema"]["properties"]


def test_a_wrong_parameter_is_refused_with_its_path(own_client: Client, portrait: bytes) -> None:
    with pytest.raises(ProblemError, match=r"\$\.freckles\.density") as raised:
        own_client.process_image(portrait, '{"freckles": {"density": "lots"}}')
    assert raised.value.code == "invalid-look"


def test_a_name_that_nobody_has_is_refused_with_those_that_are(
    client: Client, own_client: Client, portrait: bytes
) -> None:
    for asked in (client, own_client):
        with pytest.raises(ProblemError, match="smooth") as raised:
            asked.process_image(portrait, '{"sparkles": 1}')
        assert raised.value.code == "invalid-look"


def test_an_effect_that_fails_is_left_out_logged_and_the_rest_is_drawn(
    own_stack: Stack, own_client: Client, portrait: bytes
) -> None:
    both = own_client.process_image(portrait, '{"smooth": 0.5, "stumble": {}, "freckles": 0.5}', "image/png")
    assert both == own_client.process_image(portrait, '{"smooth": 0.5, "freckles": 0.5}', "image/png")
    [line] = [one for one in (own_stack.logs / "render.log").read_text().splitlines() if "own effect failed" in one]
    assert "stumble.py, line 8: AssertionError" in line


def test_a_video_is_drawn_with_it(own_client: Client, clip: Path, tmp_path: Path) -> None:
    job = own_client.submit_job(clip, '{"freckles": 1}')
    *_, last = own_client.events(job["id"])
    assert (last["state"], last["frames"]) == ("done", 48)


def test_a_broken_file_keeps_the_service_from_starting_and_is_named(models: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("\ndef freckles(:\n")
    ports = ("--rest-port", "0", "--grpc-port", "0")
    command = [sys.executable, "-m", "visavis", "up", *ports, "--var", tmp_path / "var", "--models", models]
    ended = subprocess.run(
        [*map(str, command), "--effects", str(tmp_path)], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    [line] = ended.stderr.strip().splitlines()
    assert line.startswith(
        f"visavis: Render did not start: {tmp_path / 'broken.py'} cannot be loaded: broken.py, line 2"
    )


async def test_a_lane_that_lacks_what_another_has_refuses_it(stack: Stack, portrait: bytes) -> None:
    """As if lanes differ, and the gateway had heard of it from another."""
    telemetry = Telemetry("gateway", ServiceSettings(var=stack.logs.parent), lambda _: None)
    bus = await NatsBus.connect(stack.nats_url, "test")
    try:
        request = StillRequest(portrait, Want.PICTURE, Look(own={"freckles": {}}))
        with pytest.raises(Rejected, match="no effect 'freckles' of your own; it has: none") as rejected:
            await StillClient(bus, telemetry, 1, 30).ask(request)
    finally:
        await bus.close()
        telemetry.close()
    assert rejected.value.code == "invalid-look"
