"""The REST interface for Python programs. Synchronous; needs nothing but httpx."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import TracebackType

    Look = str | Mapping[str, Any]
    Progress = Callable[[int, int], None]
    Output = Mapping[str, Any]

REST_PORT = 8700
GRPC_PORT = 8701
"""Where a service listens that was told no other ports."""
PIECE_BYTES = 1 << 20
UPLOAD_PIECE_BYTES = 256 * 1024
RECONNECTIONS = 8
PAUSE_SECONDS = 0.1
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
FINAL_STATES = frozenset({"done", "failed", "cancelled", "ended"})
"""Of jobs and of streams."""


class ProblemError(Exception):
    """The service said no; the text is its sentence.

    code: the stable word of the contract, e.g. `too-large`; `unreachable` where there was no answer at all.
    status: of HTTP; 0 where there was no answer.
    """

    def __init__(self, code: str, detail: str, status: int = 0, trace_id: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.trace_id = trace_id


class Client:
    """Speaks to one Visavis service. Every method raises ProblemError.

    key: the API key, where the service asks for one. Over plain HTTP everybody on the way can read it.
    detector, landmarks: names of models, see `models`; empty: the deployment's default.
    """

    def __init__(
        self,
        base_url: str,
        timeout_seconds: float = 60.0,
        transport: httpx.BaseTransport | None = None,
        *,
        key: str = "",
    ) -> None:
        timeout = httpx.Timeout(timeout_seconds, connect=5.0)
        near = httpx.URL(base_url).host in LOOPBACK  # no proxy of the environment leads there
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(
            base_url=base_url, timeout=timeout, transport=transport, trust_env=not near, headers=headers
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def process_image(
        self, picture: bytes, look: Look = "default", accept: str = "*/*", *, detector: str = "", landmarks: str = ""
    ) -> bytes:
        """The picture (JPEG, PNG, WebP) with every face retouched, in the format it came in or as `accept` asks."""
        headers = {"Content-Type": "application/octet-stream", "Accept": accept}
        fields = {"look": _look(look), **_models(detector, landmarks)}
        return self._ask("POST", "/v1/images", params=fields, content=picture, headers=headers).content

    def analyze_image(self, picture: bytes, *, detector: str = "", landmarks: str = "") -> dict[str, Any]:
        """The faces of a picture, as one line of `faces.jsonl`."""
        headers = {"Content-Type": "application/octet-stream"}
        fields = _models(detector, landmarks)
        return _object(self._ask("POST", "/v1/analyses", params=fields, content=picture, headers=headers))

    def submit_job(  # noqa: PLR0913  -- what a request may have, each by its name and optional
        self,
        path: Path,
        look: Look = "default",
        want: str = "picture",
        on_upload: Progress | None = None,
        *,
        detector: str = "",
        landmarks: str = "",
        callback: str = "",
        idempotency_key: str = "",
    ) -> dict[str, Any]:
        """Hand in a video; answers the job. `on_upload` is told the bytes sent and the bytes there are.

        callback: a URL that the job's document is posted to when it has ended; `visavis.webhooks.verify` reads it.
        idempotency_key: 8 to 255 visible ASCII characters that nobody can guess, such as a UUID. Who calls again with
        the same, as when no answer came, is answered with the job that there is; empty: each call makes a job.
        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        with path.open("rb") as file:
            told = _Told(file, path.stat().st_size, on_upload)
            fields = {"look": _look(look), "want": want, **_models(detector, landmarks)}
            fields |= {"callback": callback} if callback else {}
            files = {"file": (path.name, told)}
            return _object(self._ask("POST", "/v1/jobs", data=fields, files=files, headers=headers))

    def job(self, job: str) -> dict[str, Any]:
        """The job as it stands now."""
        return _object(self._ask("GET", f"/v1/jobs/{job}"))

    def events(self, job: str) -> Iterator[dict[str, Any]]:
        """The job now and after each change, to its end, nothing twice.

        A connection that breaks is made anew, RECONNECTIONS times in a row, and goes on after the last event.
        """
        return self._followed(f"/v1/jobs/{job}/events")

    def download(self, job: str, path: Path, on_progress: Progress | None = None) -> Path:
        """The result of a job, into a file that is there when it is whole."""
        return self._fetched(f"/v1/jobs/{job}/result", path, on_progress)

    def cancel(self, job: str) -> dict[str, Any]:
        """Stop a job and remove its media, or, once it has ended, all there is of it; answers how much that was."""
        return _object(self._ask("DELETE", f"/v1/jobs/{job}"))

    def begin_stream(
        self, source: str, outputs: Sequence[Output], look: Look = "default", **more: Any
    ) -> dict[str, Any]:
        """Have a live source fetched, drawn and given out; answers the stream, `id` among what it tells.

        source: rtmp(s)://, rtsp(s)://, srt://, http(s)://. outputs: such as {"hls": {}}, {"rtmp": URL}, {"record": {}}.
        more: further members of the request, such as `output`, `max_delay_ms`, `detector`, `landmarks`.
        """
        wish = {"source": source, "outputs": list(outputs), "look": look, **more}
        return _object(self._ask("POST", "/v1/streams", json=wish))

    def streams(self) -> list[dict[str, Any]]:
        """The streams that were begun at the gateway, the newest first; the last that are over among them."""
        found: list[dict[str, Any]] = _object(self._ask("GET", "/v1/streams"))["streams"]
        return found

    def stream(self, stream: str) -> dict[str, Any]:
        """The stream as it stands now: state, account, notices."""
        return _object(self._ask("GET", _stream_path(stream)))

    def change_stream(
        self, stream: str, look: Look | None = None, outputs: Sequence[Output] | None = None
    ) -> dict[str, Any]:
        """Another look, or all the outputs that are wanted from now on; None: as before."""
        wish = {"look": look, "outputs": None if outputs is None else list(outputs)}
        changed = {name: value for name, value in wish.items() if value is not None}
        return _object(self._ask("PATCH", _stream_path(stream), json=changed))

    def end_stream(self, stream: str) -> str:
        """End a stream: what is under way still goes out, HLS and recording stay. One that is over is left as it is.

        Answers `ended`, or `kept` of one that was over; `ended`, too, where an older gateway does not say which.
        """
        return _removal(self._ask("DELETE", f"{_stream_path(stream)}?keep=true"))

    def remove_stream(self, stream: str) -> str:
        """Remove what is kept of a stream that is over; one that runs is ended.

        Answers `removed` or `ended`; `ended`, too, where an older gateway does not say which.
        """
        return _removal(self._ask("DELETE", _stream_path(stream)))

    def stream_events(self, stream: str) -> Iterator[dict[str, Any]]:
        """The stream now, after each change and now and then, to its end, as `events` of jobs."""
        return self._followed(f"{_stream_path(stream)}/events")

    def download_recording(self, stream: str, path: Path, part: int = 1) -> Path:
        """The recording of a stream that is over, into a file that is there when it is whole.

        part: where the source changed its kind meanwhile, or another lane went on, there are several files, from 1.
        """
        return self._fetched(f"{_stream_path(stream)}/record?part={part}", path)

    def upload_asset(self, path: Path) -> dict[str, Any]:
        """Upload a picture, an animation or a `.cube` file that looks refer to; its facts, `id` among them.

        The same file has the same id, however often it is uploaded.
        """
        headers = {"Content-Type": "application/octet-stream"}
        return _object(self._ask("POST", "/v1/assets", content=path.read_bytes(), headers=headers))

    def asset(self, asset: str) -> dict[str, Any]:
        """What an asset is: kind, width, height, frames, size."""
        return _object(self._ask("GET", f"/v1/assets/{quote(asset, safe='')}"))

    def remove_asset(self, asset: str) -> None:
        """Remove an asset; looks that name it are refused from then on."""
        self._ask("DELETE", f"/v1/assets/{quote(asset, safe='')}")

    def looks(self) -> dict[str, Any]:
        """Every effect as JSON Schema, and the looks that have a name."""
        return _object(self._ask("GET", "/v1/looks"))

    def models(self) -> list[dict[str, Any]]:
        """The models that requests may name: name, role, points, default."""
        found: list[dict[str, Any]] = _object(self._ask("GET", "/v1/models"))["models"]
        return found

    def trace(self, trace_id: str) -> dict[str, Any]:
        """A trace as OTLP JSON. Its last spans come about a second after the answer."""
        return _object(self._ask("GET", f"/v1/traces/{trace_id}"))

    def is_ready(self) -> bool:
        """True if the service can work now."""
        try:
            self._ask("GET", "/readyz")
        except ProblemError:
            return False
        return True

    def _ask(self, method: str, path: str, **sent: Any) -> httpx.Response:
        with _reached(self._http):
            answer = self._http.request(method, path, **sent)
        _raise_problem(answer)
        return answer

    def _followed(self, path: str) -> Iterator[dict[str, Any]]:
        broken, heard = 0, ""
        while True:
            try:
                for number, document in self._told(path, heard):
                    broken, heard = 0, number
                    if document is None:
                        continue
                    yield document
                    if document["state"] in FINAL_STATES:
                        return
            except ProblemError as problem:
                if problem.code != "unreachable" or broken >= RECONNECTIONS:
                    raise
            broken += 1
            time.sleep(PAUSE_SECONDS * broken)

    def _fetched(self, source: str, path: Path, on_progress: Progress | None = None) -> Path:
        part = path.with_name(path.name + ".part")
        try:
            with self._streamed(source) as answer, part.open("wb") as file:
                whole = int(answer.headers.get("content-length", 0))
                for piece in answer.iter_bytes(PIECE_BYTES):
                    file.write(piece)
                    if on_progress is not None:
                        on_progress(file.tell(), whole)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        return path

    def _told(self, path: str, heard: str) -> Iterator[tuple[str, dict[str, Any] | None]]:
        """The id of the last event that was heard, and its data; None for what only says that somebody is there."""
        with self._streamed(path, {"Last-Event-ID": heard} if heard else {}) as answer:
            number = heard
            for line in answer.iter_lines():
                if line.startswith("id: "):
                    number = line[4:]
                elif line.startswith("data: "):
                    heard = number
                    yield heard, json.loads(line[6:])
                elif not line:
                    yield heard, None

    def _streamed(self, path: str, headers: Mapping[str, str] | None = None) -> _Streamed:
        return _Streamed(self._http, path, headers)


class _Streamed:
    """An answer that is read as it comes."""

    def __init__(self, http: httpx.Client, path: str, headers: Mapping[str, str] | None = None) -> None:
        self._reached = _reached(http)
        self._stream = http.stream("GET", path, headers=headers)

    def __enter__(self) -> httpx.Response:
        with self._reached:
            answer = self._stream.__enter__()
            if answer.is_error:
                answer.read()
        try:
            _raise_problem(answer)
        except ProblemError:
            answer.close()
            raise
        return answer

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.__exit__(kind, error, at)
        self._reached.__exit__(kind, error, at)


class _reached:  # noqa: N801  -- reads as the words of a with statement
    """Turns errors of the connection into ProblemError."""

    def __init__(self, http: httpx.Client) -> None:
        self._http = http

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, httpx.RemoteProtocolError) and "illegal" in str(error):  # what gRPC says first is no text
            said = (
                f"{self._http.base_url} does not speak HTTP/1 as REST does; it may be gRPC. "
                f"By default REST is on port {REST_PORT} and gRPC on {GRPC_PORT}."
            )
            raise ProblemError("unreachable", said) from error
        if isinstance(error, httpx.TransportError):
            said = f"{self._http.base_url} did not answer: {str(error) or type(error).__name__}."
            raise ProblemError("unreachable", said) from error


class _Told:
    """A file that says how far it was read."""

    def __init__(self, file: IO[bytes], size: int, tell: Progress | None) -> None:
        self._file = file
        self._size = size
        self._tell = tell

    def read(self, size: int = -1) -> bytes:
        """The next bytes; larger pieces than httpx asks for cost fewer system calls."""
        piece = self._file.read(max(size, UPLOAD_PIECE_BYTES))
        if self._tell is not None and piece:
            self._tell(self._file.tell(), self._size)
        return piece

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _look(look: Look) -> str:
    return look if isinstance(look, str) else json.dumps(dict(look))


def _stream_path(stream: str) -> str:
    return f"/v1/streams/{quote(stream, safe='')}"


def _models(detector: str, landmarks: str) -> dict[str, str]:
    return {name: model for name, model in (("detector", detector), ("landmarks", landmarks)) if model}


def _object(answer: httpx.Response) -> dict[str, Any]:
    found: dict[str, Any] = answer.json()
    return found


def _removal(answer: httpx.Response) -> str:
    """What the DELETE of a stream has done; until it said so the answer was a 204."""
    return "ended" if answer.status_code == httpx.codes.NO_CONTENT else str(_object(answer)["state"])


def _raise_problem(answer: httpx.Response) -> None:
    if not answer.is_error:
        return
    if answer.headers.get("content-type", "").startswith("application/problem+json"):
        problem = answer.json()
        raise ProblemError(problem["code"], problem["detail"], answer.status_code, problem.get("trace_id", ""))
    raise ProblemError(
        "unreachable", f"HTTP {answer.status_code} from something that is not Visavis.", answer.status_code
    )
