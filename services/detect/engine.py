"""The one door to ONNX Runtime: opens a model that is what it should be, and runs it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime
from onnxruntime.capi import onnxruntime_pybind11_state as states

from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CPU = ("CPUExecutionProvider",)
_ERRORS_ONLY = 3
# What ONNX Runtime raises for a model or a provider that it cannot use; these classes have no common root of their own.
_REFUSALS = (
    *(states.EPFail, states.Fail, states.InvalidArgument, states.InvalidGraph, states.InvalidProtobuf),
    *(states.NoModel, states.NotImplemented, states.RuntimeException, RuntimeError, ValueError),
)
_EXTERNAL_DATA = b"\x0a\x08location"  # the first key of a tensor that lies in another file, as protobuf writes it


class Engine:
    """One model, ready to run. Calls release the interpreter lock and may come from several threads."""

    def __init__(self, path: Path, sha256: str, threads: int = 1, providers: Sequence[str] = CPU) -> None:
        """Open the model at `path`.

        sha256: what the file must hash to, hexadecimal.
        threads: cores that one call may use, 1 or more.
        Raises Misconfigured if the file is missing, is another one, is not self-contained or cannot be run.
        """
        self.name = path.stem
        content = _checked(path, sha256)
        runtime: Any = onnxruntime  # its package exports these names without saying so
        options = runtime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _ERRORS_ONLY
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # other services need the cores
        try:
            self._session = runtime.InferenceSession(content, options, providers=list(providers))
        except _REFUSALS as error:
            raise Misconfigured(f"ONNX Runtime cannot open the model {path}: {error}") from error
        self.outputs = tuple(output.name for output in self._session.get_outputs())

    def run(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """All outputs by name, for all inputs by name; shapes and types as the model's converter says."""
        values: list[NDArray[Any]] = self._session.run(None, inputs)
        return dict(zip(self.outputs, values, strict=True))

    def warm_up(self, shapes: Mapping[str, Sequence[int]]) -> None:
        """Run twice on zeros of these shapes, so that the first real call finds memory and kernels ready."""
        types = {node.name: _DTYPES[node.type] for node in self._session.get_inputs()}
        for _ in range(2):
            self.run(**{name: np.zeros(shape, types[name]) for name, shape in shapes.items()})


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
    if _EXTERNAL_DATA in content:
        raise Misconfigured(f"The model {path} keeps weights in another file; only self-contained models are opened.")
    return content
