"""Assets through the real processes: what is sent, what lies in the store for drawing, and what is refused."""

from __future__ import annotations

import asyncio
import hashlib
import io
import struct
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest
from PIL import Image

from shared.model.assets import PreparedLut, PreparedPicture
from shared.model.errors import Rejected
from shared.transport.assets import AssetShelf
from shared.transport.store import ObjectStore
from visavis.client import Client, ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shared.model.assets import Prepared
    from visavis.stack import Stack

SECONDS = 60
ROWS = "".join(f"{r} {g} {1 - b}\n" for b in (0, 1) for g in (0, 1) for r in (0, 1))


def png(number: int = 0) -> bytes:
    """A disc that fades to its edge, on nothing."""
    y, x = np.mgrid[-1:1:96j, -1:1:128j]
    samples = np.zeros((96, 128, 4), np.uint8)
    samples[..., 0], samples[..., 2] = 255, number
    samples[..., 3] = (255 * np.clip(1 - np.hypot(x, y), 0, 1)).astype(np.uint8)
    return encoded("PNG", Image.fromarray(samples))


def gif(frames: int = 3) -> bytes:
    images = [Image.new("P", (64, 48), number) for number in range(frames)]
    for image in images:
        image.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
        image.paste(3, (0, 0, 8, 8))
    return encoded(
        "GIF", images[0], save_all=True, append_images=images[1:], duration=[80, 120, 200], transparency=3, disposal=2
    )


def encoded(kind: str, image: Image.Image, **options: Any) -> bytes:
    body = io.BytesIO()
    image.save(body, kind, **options)
    return body.getvalue()


def cube(rows: str = ROWS) -> bytes:
    return f'# blue turned round\nTITLE "test"\nLUT_3D_SIZE 2\n{rows}'.encode()


def bomb() -> bytes:
    """A PNG of 2.5 billion pixels by its header, of some hundred bytes."""
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 6, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(10_000))),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


@pytest.fixture
def added(client: Client, tmp_path: Path) -> Iterator[Callable[[bytes], dict[str, Any]]]:
    """Upload a file; it is removed after the test."""
    ids: list[str] = []

    def add(body: bytes) -> dict[str, Any]:
        path = tmp_path / "upload"
        path.write_bytes(body)
        facts = client.upload_asset(path)
        ids.append(facts["id"])
        return facts

    yield add
    for asset in set(ids):
        client.remove_asset(asset)


@pytest.fixture(autouse=True)
def _leaves_nothing(stack: Stack) -> Iterator[None]:
    """After every test no upload, no asset and no work file is left."""
    yield
    assert objects(stack) == set()
    assert not list((stack.logs.parent / "work").glob("*/asset-*"))


def objects(stack: Stack) -> set[str]:
    folder = stack.logs.parent / "objects"
    found = (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    return {key for key in found if key.startswith("asset")}


def loaded(stack: Stack, asset: str) -> Prepared:
    """As render will find it."""
    store = ObjectStore.open((stack.logs.parent / "objects").as_uri())
    return asyncio.run(AssetShelf(store).load([asset]))[asset]


def test_a_picture_keeps_its_alpha(stack: Stack, added: Callable[[bytes], dict[str, Any]]) -> None:
    facts = added(png())
    asset = hashlib.sha256(png()).hexdigest()[:32]
    assert facts == {"id": asset, "kind": "picture", "width": 128, "height": 96, "frames": 1, "size": None}
    prepared = loaded(stack, asset)
    assert isinstance(prepared, PreparedPicture)
    assert np.array_equal(prepared.pictures[0], np.asarray(Image.open(io.BytesIO(png()))))


def test_an_animation_keeps_its_frames_and_their_times(stack: Stack, added: Callable[[bytes], dict[str, Any]]) -> None:
    facts = added(gif())
    assert (facts["kind"], facts["width"], facts["height"], facts["frames"]) == ("picture", 64, 48, 3)
    prepared = loaded(stack, facts["id"])
    assert isinstance(prepared, PreparedPicture)
    assert prepared.durations_ms == (80, 120, 200)
    assert [one[20, 20].tolist() for one in prepared.pictures] == [
        [255, 0, 0, 255],
        [0, 255, 0, 255],
        [0, 0, 255, 255],
    ]
    assert [int(one[2, 2, 3]) for one in prepared.pictures] == [0, 0, 0]


def test_a_lut_keeps_its_table(stack: Stack, added: Callable[[bytes], dict[str, Any]]) -> None:
    facts = added(cube())
    assert (facts["kind"], facts["size"], facts["width"]) == ("lut", 2, None)
    prepared = loaded(stack, facts["id"])
    assert isinstance(prepared, PreparedLut)
    for blue, green, red in np.ndindex(2, 2, 2):
        assert prepared.table[blue, green, red].tolist() == [red, green, 1 - blue]


def test_the_same_file_is_one_asset_and_a_removed_one_is_gone(stack: Stack) -> None:
    with ThreadPoolExecutor(4) as clients:
        asked = [clients.submit(httpx.post, f"{stack.rest}/v1/assets", content=png(7), timeout=SECONDS) for _ in "1234"]
    statuses = [one.result().status_code for one in asked]
    assert set(statuses) <= {200, 201}
    assert 201 in statuses
    url = f"{stack.rest}{httpx.post(f'{stack.rest}/v1/assets', files={'file': png(7)}).headers['location']}"
    assert httpx.get(url).status_code == 200
    assert httpx.delete(url).status_code == 204
    assert (httpx.get(url).status_code, httpx.get(url).json()["code"]) == (404, "unknown-asset")
    with pytest.raises(Rejected, match="upload the file"):
        loaded(stack, url.rpartition("/")[2])


HOSTILE: dict[str, tuple[Callable[[], bytes], int, str, str]] = {
    "nothing": (lambda: b"", 400, "empty", "empty"),
    "a PNG cut off": (lambda: png()[:-300], 422, "damaged-media", "cut off or damaged"),
    "a header and nothing more": (lambda: png()[:33], 422, "damaged-media", "cut off or damaged"),
    "a GIF cut off between two frames": (lambda: gif()[: gif().rindex(b"\x21\xf9")], 422, "damaged-media", "cut off"),
    "2.5 billion pixels by header": (bomb, 413, "too-large", "4194304 pixels allowed (max_asset_pixels)"),
    "too many frames": (
        lambda: gif()[:-1] + gif()[gif().rindex(b"\x21\xf9") : -1] * 80 + b"\x3b", 413, "too-large",
        "64 frames (max_asset_frames)",
    ),
    "more bytes than allowed": (lambda: png() + bytes(17 << 20), 413, "too-large", "(max_asset_bytes)"),
    "text that is no LUT": (lambda: b"dear reader, this is no LUT\n", 415, "unsupported-media", ".cube"),
    "text that begins like one": (lambda: b"TITLE of a letter\ndear reader\n", 422, "damaged-media", "Line 2: 'dear'"),
    "a LUT with NaN": (lambda: cube(ROWS.replace("1 1 1", "nan 1 1")), 422, "damaged-media", "Line 7"),
    "a LUT a row short": (lambda: cube(ROWS[:-6]), 422, "damaged-media", "7 rows; it needs 8"),
    "a LUT of a billion rows": (lambda: b"LUT_3D_SIZE 1000\n", 413, "too-large", "65 allowed (max_lut_size)"),
    "a video": (lambda: b"\0\0\0\x20ftypisom" + bytes(99), 415, "unsupported-media", "JPEG, PNG, WebP, GIF or a .cube"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_what_cannot_be_an_asset_is_refused(stack: Stack, case: str) -> None:
    make, status, code, words = HOSTILE[case]
    for sent in ({"content": make()}, {"files": {"file": ("hat.png", make(), "image/png")}}):
        answer = httpx.post(f"{stack.rest}/v1/assets", timeout=SECONDS, **sent)  # type: ignore[arg-type]  # httpx's own words
        assert answer.headers["content-type"] == "application/problem+json", answer.text
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (status, code), problem
        assert words in problem["detail"]
        assert problem["detail"].endswith(".")


def test_the_command_adds_shows_and_removes(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "hat").write_bytes(png(3))
    (tmp_path / "blue").write_bytes(cube())
    ids = visavis("add", tmp_path / "hat", tmp_path / "blue", server=stack.rest).split()
    assert ids == [hashlib.sha256(body).hexdigest()[:32] for body in (png(3), cube())]
    assert '"kind": "lut"' in visavis("show", ids[1], server=stack.rest)
    for asset in ids:
        assert visavis("remove", asset, server=stack.rest) == ""
    with Client(stack.rest) as client, pytest.raises(ProblemError, match="There is no asset"):
        client.asset(ids[0])


def visavis(word: str, *arguments: str | Path, server: str) -> str:
    command = [sys.executable, "-m", "visavis", "assets", word, *map(str, arguments), "--server", server]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
