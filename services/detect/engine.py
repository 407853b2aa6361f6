"""The one door to ONNX Runtime: opens a model that is what it should be, and runs it."""

from __future__ import annotations

import hashlib
import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from services.detect.cuda.binding import DTYPES, BoundModel
from services.detect.cuda.pictures import CardPixels
from services.detect.models.checking import check_self_contained
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from services.detect.cuda.binding import Outputs
    from shared.cuda.device import Device

    Value = NDArray[Any] | CardPixels
    Provider = str | tuple[str, dict[str, str]]
    """ONNX Runtime's name of it, or its name and options."""
    Ran = Callable[[str, str, int, float], None]
    """Is told of a run: the model, what ran it (`cpu`, `cuda`, ...), on how many pictures, in how many seconds."""

CPU = ("CPUExecutionProvider",)
_ERRORS_ONLY = 3
_ON_CARD = frozenset({"CUDAExecutionProvider", "TensorrtExecutionProvider"})
REFUSALS = (
    *(states.EPFail, states.Fail, states.InvalidArgument, states.InvalidGraph, states.InvalidProtobuf),
    *(states.NoModel, states.NotImplemented, states.RuntimeException, RuntimeError, ValueError),
)
"""What ONNX Runtime raises for a model or a provider that it cannot use; these have no common root of their own."""
# A whole model, one Relu on one number: whether a provider can be had shows only when a session is made with it.
_PROBE = bytes.fromhex(
    "08083a330a0c0a0178120179220452656c751201705a0f0a0178120a0a08080112040a020801620f0a0179120a0a08080112040a0208014204"
    "0a00100d"
)


def _unheard(*_: object) -> None:
    """Nobody asks what runs take."""


def _as_it_is(content: bytes) -> bytes:
    return content


class Engine:
    """One model, ready to run. Calls release the interpreter lock and may come from several threads."""

    def __init__(
        self,
        path: Path,
        sha256: str,
        threads: int = 1,
        providers: Sequence[Provider] = CPU,
        *,
        devices: Sequence[Device] = (),
        form: Callable[[bytes], bytes] = _as_it_is,
    ) -> None:
        """Open the model at `path`.

        sha256: what the file must hash to, hexadecimal.
        threads: cores that one call may use, 1 or more.
        providers: as ONNX Runtime takes them; what the first cannot run, the next does.
        devices: cards from whose memory the model may be fed; on each it is opened once more, on its stream. What lies
        on the host is looked at by the CPU then: on a card each new shape would cost it seconds.
        form: what is made of the file's content before it is opened.
        Raises Misconfigured if the file is missing, is another one, needs weights or operators from elsewhere, or
        cannot be run.
        """
        self.name = path.stem
        self.ran: Ran = _unheard
        """Told of every run, in its thread."""
        content = form(_checked(path, sha256))
        try:
            self._bound = {
                device: _bound(content, threads, providers, device)
                for device in devices
                if device.memory == _memory(providers)
            }
            self._session = _session(content, threads, CPU if self._bound else providers)
        except REFUSALS as error:
            raise Misconfigured(f"ONNX Runtime cannot open the model {path}: {_line(error)}") from error
        self.outputs = tuple(output.name for output in self._session.get_outputs())
        self._on_host, self._on_card = _word(self._session.get_providers()[0]), _word(_entry(providers[0])[0])
        self._later: list[tuple[tuple[int, ...], dict[str, Sequence[int]]]] | None = None

    def run(self, **inputs: Value) -> dict[str, NDArray[Any]]:
        """All outputs by name, for all inputs by name; shapes and types as the model's converter says.

        Pixels on a card are read where they lie if the model is open on their device, else fetched.
        """
        batch = len(next(iter(inputs.values())))
        pixels = [one for one in inputs.values() if isinstance(one, CardPixels)]
        if pixels and pixels[0].device in self._bound:
            with self.timed(batch):
                return self._bound[pixels[0].device].run(inputs)
        on_host = {name: one.downloaded() if isinstance(one, CardPixels) else one for name, one in inputs.items()}
        with self.timed(batch, self._on_host):
            values: list[NDArray[Any]] = self._session.run(None, on_host)
        return dict(zip(self.outputs, values, strict=True))

    @contextmanager
    def timed(self, batch: int, provider: str = "") -> Iterator[None]:
        """Around a run, for who waits for what `run_into` gives. batch: its pictures. provider: empty: the card's."""
        started = time.perf_counter()
        yield
        self.ran(self.name, provider or self._on_card, batch, time.perf_counter() - started)

    def is_on(self, device: Device) -> bool:
        """Whether pixels on this device are read where they lie."""
        return device in self._bound

    def run_into(self, pixels: CardPixels, **shapes: Sequence[int]) -> Outputs:
        """Outputs by name, of these shapes, left on the card; for a model of one input that `is_on` their device.

        Nothing is waited for. What is given is good until the model's next run on the same device.
        """
        return self._bound[pixels.device].run_into(pixels, shapes)

    def hold(self, image: Sequence[int], **shapes: Sequence[int]) -> None:
        """Run on noise of this shape on every device and record it: from then on it is played, which starts at once.

        shapes: of the outputs, as `run_into` takes them. Raises Misconfigured if it cannot be run on them.
        """
        if self._later is not None:
            self._later.append((tuple(image), shapes))
            return
        try:
            for device, bound in self._bound.items():
                noise = np.random.default_rng(0).integers(0, 256, tuple(image), np.uint8)
                bound.hold(CardPixels(device, device.upload(noise)), shapes)
        except REFUSALS as error:
            raise Misconfigured(f"ONNX Runtime cannot run the model {self.name}: {_line(error)}") from error

    def hold_later(self) -> None:
        """From now on `hold` only notes what it is asked for, until `hold_all`."""
        self._later = []

    def plans(self) -> list[Callable[[], None]]:
        """What of `hold_all` takes long and can be done before it, by several threads at once.

        Each raises Misconfigured if the model cannot be run so.
        """
        noted = self._later or []
        return [partial(self._plan, bound, image) for bound in self._bound.values() for image, _ in noted]

    def hold_all(self) -> None:
        """Hold what was noted. Raises Misconfigured as `hold` does."""
        noted, self._later = self._later or [], None
        for image, shapes in noted:
            self.hold(image, **shapes)

    def _plan(self, bound: BoundModel, image: Sequence[int]) -> None:
        try:
            bound.plan(image)
        except REFUSALS as error:
            raise Misconfigured(f"ONNX Runtime cannot run the model {self.name}: {_line(error)}") from error

    def warm_up(self, shapes: Mapping[str, Sequence[int]], *, on_cards: bool = True) -> None:
        """Run twice on zeros of these shapes, so that the first real call finds memory and kernels ready.

        on_cards: False where `hold` does that for the cards.
        Raises Misconfigured if it cannot be run on them.
        """
        types = {node.name: DTYPES[node.type] for node in self._session.get_inputs()}
        if types.keys() != shapes.keys():
            raise Misconfigured(f"The model {self.name} takes {', '.join(types)}, not {', '.join(shapes)}.")
        zeros: dict[str, Value] = {name: np.zeros(tuple(shape), types[name]) for name, shape in shapes.items()}
        try:
            for _ in range(2):
                self.run(**zeros)
            for device in self._bound if on_cards else ():
                uploaded = CardPixels(device, device.upload(np.zeros(tuple(shapes["image"]), np.uint8)))
                for _ in range(2):
                    self.run(**zeros | {"image": uploaded})
        except REFUSALS as error:
            raise Misconfigured(f"ONNX Runtime cannot run the model {self.name}: {_line(error)}") from error


def why_not(provider: Provider) -> str:
    """Why ONNX Runtime cannot run models by this provider, as half a sentence; empty if it can."""
    name = provider if isinstance(provider, str) else provider[0]
    runtime: Any = onnxruntime
    if name not in runtime.get_available_providers():
        return f"the ONNX Runtime that is installed ({runtime.__version__}) has no {name}"
    try:
        session = _session(_PROBE, 1, (provider,))
    except REFUSALS as error:
        return f"{name} does not start ({_line(error)[:200]})"
    # Where a library or a driver is missing ONNX Runtime says so in its own log and goes on without the provider.
    return "" if session.get_providers()[0] == name else f"{name} does not start on this machine"


def _word(provider: str) -> str:
    """As settings name it."""
    return provider.removesuffix("ExecutionProvider").lower()


def _line(error: Exception) -> str:
    """What ONNX Runtime says on several lines, on one: of a process that ends the last line is shown."""
    return " ".join(str(error).split())


def _session(content: bytes, threads: int, providers: Sequence[Provider]) -> Any:
    runtime: Any = onnxruntime  # its package exports these names without saying so
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _ERRORS_ONLY
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other services need the cores
    options.add_session_config_entry("session.set_denormal_as_zero", "1")  # a face mesh meets some: 4 % of its time
    return runtime.InferenceSession(content, options, providers=list(providers), enable_fallback=0)


def _memory(providers: Sequence[Provider]) -> str:
    """In whose memory the first of the providers computes."""
    return "cuda" if _entry(providers[0])[0] in _ON_CARD else "cpu"


def _bound(content: bytes, threads: int, providers: Sequence[Provider], device: Device) -> BoundModel:
    runtime: Any = onnxruntime
    options = runtime.RunOptions()
    options.add_run_config_entry("disable_synchronize_execution_providers", "1")
    return BoundModel(partial(_session, content, threads, on_stream(providers, device)), device, options)


def on_stream(providers: Sequence[Provider], device: Device) -> list[Provider]:
    """The providers with the options by which what they run on the card runs on the device's stream."""
    own = {"device_id": str(device.number), "user_compute_stream": str(device.stream_address)}
    entries = [_entry(one) for one in providers]
    return [(name, {**usual, **own}) if name in _ON_CARD else (name, usual) for name, usual in entries]


def _entry(provider: Provider) -> tuple[str, dict[str, str]]:
    return (provider, {}) if isinstance(provider, str) else provider


def _checked(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise Misconfigured(
            f"The model {path} cannot be read ({error.strerror}); run `visavis models prepare`."
        ) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Misconfigured(f"The model {path} is not the one that was prepared; run `visavis models prepare`.")
    check_self_contained(content, str(path))
    return content
