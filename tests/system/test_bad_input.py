"""Bad input gets a clear answer within seconds and within bounded memory, and the service goes on serving."""

from __future__ import annotations

import io
import json
import socket
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import av
import httpx
import numpy as np
import psutil  # type: ignore[import-untyped]  # has no stubs among our dependencies
import pytest
from PIL import Image

from tests.scrapes import slots_in_use

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from visavis.stack import Stack

PATIENCE_SECONDS = 30
MOST_DECODER_BYTES = 300 << 20
"""Of its own: what it has mapped of the frame pool is not counted."""
SIDE = (320, 240)
UNKNOWN_JOB = "a" * 20
BOUNDARY = "multipart/form-data; boundary=x"
PART = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'


@pytest.fixture(autouse=True)
def _goes_on_serving(stack: Stack, portrait: bytes) -> Iterator[None]:
    """After every test: a good picture passes, every slot is free, no upload is left behind."""
    yield
    _until(lambda: _passes(stack, portrait), "there is room for a good picture, and it passes")
    _until(lambda: not slots_in_use(stack), "every slot of the pool is free")


@pytest.fixture(scope="module", autouse=True)
def _decoders_stay_small(stack: Stack) -> Iterator[None]:
    """No decoder takes much memory at any time of these tests, as far as sampling can tell."""
    stopping, largest = threading.Event(), [0]

    def sample() -> None:
        ingest = psutil.Process(stack.pid("ingest"))
        while not stopping.wait(0.02):
            for child in ingest.children(recursive=True):
                try:
                    memory = child.memory_info()
                except psutil.Error:
                    continue
                largest[0] = max(largest[0], memory.rss - memory.shared)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
    assert 0 < largest[0] < MOST_DECODER_BYTES


# pictures


def _png(width: int, height: int) -> bytes:
    """A PNG with one bit a sample, all of it black, from a few bytes."""
    rows = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    samples = b"".join(rows.compress(row) for _ in range(height)) + rows.flush()
    chunks = ((b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", samples), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def _jpeg() -> bytes:
    kept = io.BytesIO()
    Image.fromarray(_noise(0)).save(kept, "JPEG")
    return kept.getvalue()


def _noise(number: int) -> NDArray[np.uint8]:
    """[240, 320, 3]; with a fair number of bits a frame in every encoder."""
    return (
        np.random.default_rng(number)
        .integers(0, 255, (SIDE[1] // 4, SIDE[0] // 4, 3), np.uint8)
        .repeat(4, 0)
        .repeat(4, 1)
    )


PICTURES: dict[str, tuple[Callable[[], bytes], str, int, str, str]] = {
    "an empty body": (lambda: b"", "", 400, "empty", "empty"),
    "text": (lambda: b"dear reader, this is no picture", "", 415, "unsupported-media", "JPEG, PNG or WebP"),
    "half a signature": (lambda: b"\x89PNG", "", 415, "unsupported-media", "JPEG, PNG or WebP"),
    "a video": (lambda: _video("mp4"), "", 415, "unsupported-media", "/v1/jobs"),
    "an animation": (lambda: _gif(3), "", 415, "unsupported-media", "/v1/jobs"),
    "400 million pixels": (lambda: _png(20_000, 20_000), "", 413, "too-large", "25000000 allowed (max_still_pixels)"),
    "one pixel": (lambda: _png(1, 1), "", 422, "too-small", "(min_side)"),
    "more bytes than allowed": (lambda: _jpeg() + bytes(33 << 20), "", 413, "too-large", "(max_image_bytes)"),
    "a picture cut off": (lambda: _jpeg()[:4000], "", 422, "damaged-media", "cut off or damaged"),
    "a header and nothing more": (lambda: _png(64, 64)[:33], "", 422, "damaged-media", "cut off or damaged"),
    "an unknown look": (_jpeg, "?look=gorgeous", 422, "invalid-look", "there are: none, natural, default,"),
    "an unknown effect": (_jpeg, '?look={"nose":1}', 422, "invalid-look", "enlarge_eyes"),
    "strength 7": (_jpeg, '?look={"smooth":7}', 422, "invalid-look", "from 0 to 1"),
    "strength -1": (_jpeg, '?look={"smooth":-1}', 422, "invalid-look", "from 0 to 1"),
    "strength NaN": (_jpeg, '?look={"smooth":NaN}', 422, "invalid-look", "not valid"),
    "a strength in words": (_jpeg, '?look={"smooth":"much"}', 422, "invalid-look", "$.smooth"),
    "a nested mistake": (_jpeg, '?look={"lipstick":{"color":"red"}}', 422, "invalid-look", "$.lipstick.color"),
    "half a look": (_jpeg, '?look={"smooth":', 422, "invalid-look", "not valid"),
}  # fmt: skip


@pytest.mark.parametrize("case", PICTURES)
def test_a_bad_picture_is_refused(stack: Stack, case: str) -> None:
    make, query, status, code, words = PICTURES[case]
    body = make()
    for path in ("images", "analyses") if not query else ("images",):
        _assert_problem(httpx.post(f"{stack.rest}/v1/{path}{query}", content=body), status, code, words)


@pytest.mark.parametrize("accept", ["image/avif", "text/html, image/gif;q=0.8", "image/png;q=0", "*/*;q=x"])
def test_an_answer_that_cannot_be_given_is_not_begun(stack: Stack, accept: str) -> None:
    answer = httpx.post(f"{stack.rest}/v1/images", content=_jpeg(), headers={"Accept": accept})
    _assert_problem(answer, 406, "not-acceptable", "image/jpeg, image/png, image/webp")


# forms

END = "--x--\r\n"
GIF_PART = PART.format("file", "GIF89a")
MANY_PARTS = "".join(PART.format("detector", number) for number in range(20))
FORMS = {
    "no boundary": ("multipart/form-data", "--x--", 400, "malformed-request", "boundary"),
    "no form at all": (BOUNDARY, "this is no form", 400, "malformed-request", "multipart/form-data"),
    "a form that ends early": (BOUNDARY, GIF_PART, 400, "upload-cut-off", "last boundary"),
    "no part called file": (BOUNDARY, PART.format("detector", "blazeface") + END, 400, "empty", "part called `file`"),
    "an empty file": (BOUNDARY, PART.format("file", "") + END, 400, "empty", "empty"),
    "two files": (BOUNDARY, GIF_PART + GIF_PART + END, 400, "malformed-request", "more than one"),
    "an endless field": (BOUNDARY, PART.format("detector", "x" * 20_000), 400, "malformed-request", "16384 bytes"),
    "too many fields": (BOUNDARY, MANY_PARTS, 400, "malformed-request", "16 parts"),
    "a misspelt field": (BOUNDARY, PART.format("detectr", "x") + GIF_PART, 422, "invalid-parameter", "'detectr'"),
    "a form called JSON": ("application/json", GIF_PART + END, 415, "unsupported-media", "first bytes"),
}


@pytest.mark.parametrize("case", FORMS)
def test_a_bad_form_is_refused(stack: Stack, case: str) -> None:
    kind, body, status, code, words = FORMS[case]
    for path in ("images", "analyses", "jobs"):
        answer = httpx.post(f"{stack.rest}/v1/{path}", content=body, headers={"Content-Type": kind})
        _assert_problem(answer, status, code, words)
    assert not _kept_uploads(stack)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize(
    ("field", "value", "code", "words"),
    [
        ("look", "gorgeous", "invalid-look", "glamour"),
        ("look", '{"smooth": 7}', "invalid-look", "`$.smooth` must be a number from 0 to 1"),
        ("want", "money", "invalid-parameter", "picture, faces"),
        ("wnat", "faces", "invalid-parameter", "`want`"),
    ],
)
def test_a_bad_choice_is_refused_before_the_file_and_after_it(
    stack: Stack, field: str, value: str, code: str, words: str, late: bool
) -> None:
    parts = [PART.format(field, value).encode(), PART.format("file", "{}").encode().replace(b"{}", _video("mkv"))]
    body = b"".join(reversed(parts) if late else parts) + b"--x--\r\n"
    answer = httpx.post(f"{stack.rest}/v1/jobs", content=body, headers={"Content-Type": BOUNDARY})
    _assert_problem(answer, 422, code, words)
    assert not _kept_uploads(stack)


# videos


def _video(kind: str, frames: int = 30, side: tuple[int, int] = SIDE, **options: Any) -> bytes:
    wanted = {"codec": "libx264", "pix_fmt": "yuv420p", "encoding": {"g": "10", "bf": "0"}, "container": {}} | options
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"film.{kind}"
        with av.open(str(path), "w", container_options=wanted["container"]) as file:
            stream: Any = file.add_stream(wanted["codec"], rate=25, options=wanted["encoding"])
            stream.width, stream.height, stream.pix_fmt = *side, wanted["pix_fmt"]
            file.start_encoding()
            for number in range(frames):
                shown = np.ascontiguousarray(_noise(number)[: side[1], : side[0]])
                frame = av.VideoFrame.from_ndarray(shown, "rgb24").reformat(format=wanted["pix_fmt"])
                frame.pts = number
                file.mux(stream.encode(frame))
            file.mux(stream.encode())
        return path.read_bytes()


def _sound() -> bytes:
    body = io.BytesIO()
    with av.open(body, "w", format="mp4") as file:
        stream = file.add_stream("aac", rate=48_000)
        for number in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 1024, Fraction(1, 48_000)
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return body.getvalue()


def _gif(images: int) -> bytes:
    """Images of one pixel on a screen of 16x16 (GIF89a; the four bytes of samples are the shortest that are valid)."""
    head = b"GIF89a" + struct.pack("<HHBBB", 16, 16, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    image = (
        b"\x21\xf9\x04\x00\x04\x00\x00\x00" + b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    )
    return head + image * images + b"\x3b"


def _changing() -> bytes:
    """H.264 whose size changes after 30 frames, its parameter sets before every key frame."""
    body = io.BytesIO()
    parts = [io.BytesIO(_video("h264", side=side)) for side in (SIDE, (160, 200))]
    with av.open(body, "w", format="matroska") as file:
        with av.open(parts[0], "r", format="h264") as first:
            stream = file.add_stream_from_template(first.streams.video[0], opaque=True)
        pts = 0
        for part in parts:
            part.seek(0)
            with av.open(part, "r", format="h264") as elementary:
                for packet in elementary.demux(video=0):
                    if packet.size:
                        packet.stream, packet.time_base, packet.duration = stream, Fraction(1, 25), 1
                        packet.pts = packet.dts = pts
                        file.mux_one(packet)
                        pts += 1
    return body.getvalue()


def _damaged() -> bytes:
    """A video whose 15th packet has rubbish for its second half."""
    body = _video("mkv")
    with av.open(io.BytesIO(body), "r") as file:
        packet = [bytes(one) for one in file.demux(video=0) if one.size][14]
    half = len(packet) // 2
    assert body.count(packet) == 1
    return body.replace(packet, packet[:half] + b"\x5a" * (len(packet) - half))


def _cut_off(share: float) -> bytes:
    whole = _video("mp4", container={"movflags": "faststart"})
    start = whole.index(b"mdat") + 4
    return whole[: start + int((len(whole) - start) * share)]


UPLOADS: dict[str, tuple[Callable[[], bytes], int, str, str]] = {
    "an empty body": (lambda: b"", 400, "empty", "empty"),
    "text called .mp4": (lambda: b"dear reader, this is no film\n" * 40, 415, "unsupported-media", "video/mp4"),
    "a playlist": (lambda: b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n", 415, "unsupported-media", "video/mp4"),
    "a picture": (_jpeg, 415, "unsupported-media", "/v1/images"),
    "a picture of a phone": (lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", 415, "unsupported-media", "video/mp4"),
}


@pytest.mark.parametrize("case", UPLOADS)
def test_what_is_no_video_is_refused_at_once(stack: Stack, case: str) -> None:
    make, status, code, words = UPLOADS[case]
    for sent in ({"content": make()}, {"files": {"file": ("film.mp4", make(), "video/mp4")}}):
        _assert_problem(httpx.post(f"{stack.rest}/v1/jobs", **sent), status, code, words)
    assert not _kept_uploads(stack)


LOSSLESS: dict[str, Any] = {"codec": "ffv1", "pix_fmt": "yuv444p", "encoding": {}}
FAILING: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "an MP4 without its index": (lambda: _video("mp4").split(b"moov")[0], "damaged-media", "no index (moov)"),
    "an MP4 of one box": (lambda: b"\0\0\0\x18ftypisom\0\0\0\0isommp41", "damaged-media", "no index (moov)"),
    "an index cut off": (lambda: _cut_off(0)[:-400], "damaged-media", "cannot be read"),
    "an index and nothing more": (lambda: _cut_off(0.01), "damaged-media", "none of its frames"),
    "only sound": (_sound, "no-video", "only sound"),
    "no frames": (lambda: _video("mkv", frames=0), "damaged-media", "cannot be read"),
    "one pixel": (lambda: _video("mkv", 3, (1, 1), **LOSSLESS), "too-small", "(min_side)"),
    "10,000 images": (lambda: _gif(10_000), "too-long", "2000 frames (max_animation_frames)"),
    "a GIF of a header": (lambda: _gif(0), "damaged-media", ""),
    "a Matroska of nothing": (lambda: b"\x1a\x45\xdf\xa3" + bytes(200), "damaged-media", ""),
    "an AVI of nothing": (lambda: b"RIFF\xff\xff\xff\xffAVI " + bytes(200), "damaged-media", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", FAILING)
def test_a_video_that_cannot_be_read_fails_with_a_sentence(stack: Stack, case: str) -> None:
    make, code, words = FAILING[case]
    job = _finished(stack, make())
    assert (job["state"], job["problem"]["code"]) == ("failed", code), job
    assert words in job["problem"]["detail"]
    assert job["problem"]["detail"].endswith(".")
    assert job["attempt"] <= 1, "what is wrong with the file is not tried again"
    _assert_problem(httpx.get(f"{stack.rest}/v1/jobs/{job['id']}/result"), 409, "job-failed", job["problem"]["detail"])
    _until(lambda: _left_of(stack, job["id"]) == {"job.json"}, "only the entry is left")


DAMAGED: dict[str, tuple[Callable[[], bytes], range, str]] = {
    "cut off in mid-frame": (lambda: _cut_off(0.6), range(10, 30), "The file ends early: {} of about 30 frames"),
    "a corrupt NAL in the middle": (_damaged, range(29, 31), "The file is damaged in"),
    "a size that changes": (_changing, range(60, 61), ""),
}


@pytest.mark.parametrize("want", ["picture", "faces"])
@pytest.mark.parametrize("case", DAMAGED)
def test_what_can_be_read_of_a_damaged_video_is_delivered(stack: Stack, case: str, want: str) -> None:
    make, frames, words = DAMAGED[case]
    job = _finished(stack, make(), want=want)
    assert job["state"] == "done", job
    assert job["frames"] in frames
    assert len(job["warnings"]) == bool(words)
    assert words.format(job["frames"]) in "".join(job["warnings"])
    assert _delivered(stack, job) == (job["frames"], {SIDE})


# jobs


def test_an_upload_that_is_cut_off_leaves_nothing(stack: Stack) -> None:
    body = PART.format("file", "").encode()[:-2] + _video("mkv")
    before = _kept_jobs(stack)
    with _connected(stack) as connection:
        head = (
            f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: {BOUNDARY}\r\nContent-Length: {2 * len(body)}\r\n\r\n"
        )
        connection.sendall(head.encode() + body)
        time.sleep(0.3)
    _until(lambda: _kept_jobs(stack) == before, "nothing of the upload is left")


@pytest.mark.parametrize(
    "job", [UNKNOWN_JOB, "a", "A" * 20, "..%2f..%2fetc%2fpasswd", "jobs.*", "%00" * 20, "a" * 3000]
)
def test_an_unknown_job_is_not_found(stack: Stack, job: str) -> None:
    for method, tail in (("GET", ""), ("GET", "/events"), ("GET", "/result"), ("DELETE", "")):
        _assert_problem(httpx.request(method, f"{stack.rest}/v1/jobs/{job}{tail}"), 404, "not-found", "There is no")


def test_a_running_job_has_no_result_and_can_be_cancelled_and_then_removed(stack: Stack) -> None:
    url = f"{stack.rest}/v1/jobs/{_submitted(stack, _video('mkv', 1500, (320, 240)))['id']}"
    _until(lambda: httpx.get(url).json()["frames"] > 0, "the job runs")
    _assert_problem(httpx.get(f"{url}/result"), 409, "not-done", "running")
    assert httpx.delete(url).json()["state"] == "cancelled"
    _assert_problem(httpx.get(f"{url}/result"), 410, "gone", "cancelled")
    assert httpx.get(url).json()["state"] == "cancelled"
    job = url.rpartition("/")[2]
    _until(lambda: _left_of(stack, job) == {"job.json", "cancelled"}, "only the entry is left")
    assert httpx.delete(url).json()["state"] == "removed"
    _assert_problem(httpx.get(url), 404, "not-found", "no job")
    assert _left_of(stack, job) == set()


# HTTP


def test_another_method_or_address_is_a_problem_too(stack: Stack) -> None:
    _assert_problem(httpx.put(f"{stack.rest}/v1/images"), 405, "method-not-allowed", "")
    _assert_problem(httpx.get(f"{stack.rest}/v2/images"), 404, "not-found", "")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: " + b"x" * 200_000 + b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
        b"POST /v1/images HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/images HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["a huge header", "TLS", "a length below nothing", "a broken chunk"],
)
def test_what_is_no_http_is_refused(stack: Stack, sent: bytes) -> None:
    with _connected(stack) as connection:
        try:
            connection.sendall(sent)
            heard = connection.recv(100)
        except ConnectionError:
            heard = b""
    assert heard.startswith(b"HTTP/1.1 4") or not heard


def test_clients_that_go_away_harm_nobody(stack: Stack, portrait: bytes) -> None:
    head = f"POST /v1/images HTTP/1.1\r\nHost: x\r\nContent-Length: {len(portrait)}\r\n\r\n".encode()
    for number in range(20):
        with _connected(stack) as connection:
            connection.sendall(head + (portrait if number % 2 else portrait[:1000]))
            time.sleep(number / 1000)


def test_more_pictures_than_there_is_room_for_wait_their_turn(stack: Stack, portrait: bytes) -> None:
    with ThreadPoolExecutor(12) as clients:
        asked = [
            clients.submit(httpx.post, f"{stack.rest}/v1/images", content=portrait, timeout=PATIENCE_SECONDS)
            for _ in range(12)
        ]
    assert {one.result().status_code for one in asked} == {200}


# what the tests ask


def _assert_problem(answer: httpx.Response, status: int, code: str, words: str) -> None:
    assert answer.headers["Content-Type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code), problem
    assert words in problem["detail"], problem
    assert "Traceback" not in answer.text


def _submitted(stack: Stack, body: bytes, want: str = "picture") -> dict[str, Any]:
    answer = httpx.post(f"{stack.rest}/v1/jobs?look=natural&want={want}", content=body)
    assert answer.status_code == 202, answer.text
    return dict(answer.json())


def _finished(stack: Stack, body: bytes, want: str = "picture") -> dict[str, Any]:
    job = _submitted(stack, body, want)
    with httpx.stream("GET", f"{stack.rest}/v1/jobs/{job['id']}/events", timeout=PATIENCE_SECONDS) as events:
        for line in events.iter_lines():
            if line.startswith("data: "):
                job = json.loads(line[6:])
    return job


def _delivered(stack: Stack, job: dict[str, Any]) -> tuple[int, set[tuple[int, int]]]:
    """Frames of the result, and their sizes."""
    result = httpx.get(f"{stack.rest}/v1/jobs/{job['id']}/result").content
    if job["want"] == "faces":
        lines = [json.loads(line) for line in result.splitlines()]
        return len(lines), {(line["width"], line["height"]) for line in lines}
    with av.open(io.BytesIO(result), "r") as file:
        sizes = [(frame.width, frame.height) for frame in file.decode(video=0)]
    return len(sizes), set(sizes)


def _objects(stack: Stack) -> Path:
    return stack.logs.parent / "objects"


def _passes(stack: Stack, picture: bytes) -> bool:
    """False where a busy machine has no room just now."""
    answer = httpx.post(f"{stack.rest}/v1/images", content=picture, timeout=PATIENCE_SECONDS)
    assert answer.status_code in {200, 503}, answer.text
    return answer.status_code == 200


def _left_of(stack: Stack, job: str) -> set[str]:
    """What the object store has of a job."""
    folder = _objects(stack) / "jobs" / job
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _kept_jobs(stack: Stack) -> set[Path]:
    return {path for path in _objects(stack).rglob("*") if path.is_file()}


def _kept_uploads(stack: Stack) -> list[Path]:
    return [path for path in _kept_jobs(stack) if path.name.startswith("source")]


def _connected(stack: Stack) -> socket.socket:
    address = urlsplit(stack.rest)
    return socket.create_connection((address.hostname, address.port), PATIENCE_SECONDS)


def _until(holds: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if holds():
            return
        time.sleep(0.05)
    pytest.fail(f"after {PATIENCE_SECONDS} s it is not so that {what}")
