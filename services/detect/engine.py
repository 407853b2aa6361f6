"""The one door to ONNX Runtime: opens a model that is what it should be, and runs it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from services.detect.models.checking import check_self_contained
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Provider = str | tuple[str, dict[str, str]]
    """ONNX Runtime's name of it, or its name and options."""

CPU = ("CPUExecutionProvider",)
_ERRORS_ONLY = 3
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


class Engine:
    """One model, ready to run. Calls release the interpreter lock and may come from several threads."""

    def __init__(self, path: Path, sha256: str, threads: int = 1, providers: Sequence[Provider] = CPU) -> None:
        """Open the model at `path`.

        sha256: what the file must hash to, hexadecimal.
        threads: cores that one call may use, 1 or more.
        providers: as ONNX Runtime takes them; what the first cannot run, the next does.
        Raises Misconfigured if the file is missing, is another one, needs weights or operators from elsewhere, or
        cannot be run.
        """
        self.name = path.stem
        content = _checked(path, sha256)
        try:
            self._session = _session(content, threads, providers)
        except REFUSALS as error:
            raise Misconfigured(f"ONNX Runtime cannot open the model {path}: {_line(error)}") from error
        self.outputs = tuple(output.name for output in self._session.get_outputs())

    def run(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """All outputs by name, for all inputs by name; shapes and types as the model's converter says."""
        values: list[NDArray[Any]] = self._session.run(None, inputs)
        return dict(zip(self.outputs, values, strict=True))

    def warm_up(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """Run twice on zeros of these shapes, so that the first real call finds memory and kernels ready.

        Raises Misconfigured if it cannot be run on them.
        """
        types = {node.name: _DTYPES[node.type] for node in self._session.get_inputs()}
        if types.keys() != shapes.keys():
            raise Misconfigured(f"The model {self.name} takes {', '.join(types)}, not {', '.join(shapes)}.")
        try:
            for _ in range(2):
                self.run(**{name: np.zeros(shape, types[name]) for name, shape in shapes.items()})
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


_DTYPES = {"tensor(uint8)": np.uint8, "tensor(float)": np.float32}


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
