"""Which of ONNX Runtime's execution providers run the models: the first of those wanted that this machine has."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from services.detect.batching import Batches
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable

    Entry = tuple[str, dict[str, str]]

COMPILED = "compiled"
"""Where in the folder of models lies what TensorRT compiles."""
_BUCKETS = {"tensorrt": (1, 4, 16, 32), "cuda": (1, 4, 16, 32), "openvino": (1, 2, 4)}
"""Of those that compile for each shape, or choose the kernels for it and can record it: crops in one run."""
_CPU: Entry = ("CPUExecutionProvider", {})
_NAMES = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "openvino": "OpenVINOExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
_SOURCES = {
    "tensorrt": "the package onnxruntime-gpu and the TensorRT libraries",
    "cuda": "the package onnxruntime-gpu, the CUDA and cuDNN libraries and an NVIDIA driver",
    "openvino": "the package onnxruntime-openvino",
    "cpu": "the package onnxruntime",
}
_ON_GPU = frozenset({"tensorrt", "cuda"})


@dataclass(frozen=True, slots=True)
class Provision:
    """What models are run with."""

    word: str
    """The one in use, as in the setting."""
    entries: tuple[Entry, ...]
    """Names and options, in order, as ONNX Runtime takes them: what the first cannot run, the next does."""
    passed_over: tuple[str, ...] = ()
    """A sentence for each that was wanted more and is not here."""

    @property
    def batches(self) -> Batches:
        """How crops are put together for it."""
        buckets = _BUCKETS.get(self.word, ())
        return Batches(buckets[-1] if buckets else Batches().most, buckets, divisible=self.word not in _ON_GPU)


def provision(wanted: str, works: Callable[[Entry], str], *, threads: int, cache: Path, card: int = 0) -> Provision:
    """The first of the wanted providers that works.

    wanted: words with commas between them, the dearest first: `tensorrt`, `cuda`, `openvino`, `cpu`.
    works: asks ONNX Runtime for one provider; why it cannot be had, or nothing.
    threads: cores that one model run may use. cache: folder for what TensorRT compiles, which takes it minutes.
    card: which one to use, as CUDA counts them.
    Raises Misconfigured, with what to install, if none works or a word is unknown.
    """
    words = [word.strip() for word in wanted.split(",") if word.strip()]
    if unknown := [word for word in words if word not in _NAMES]:
        raise Misconfigured(f"There is no provider {unknown[0]!r}; VISAVIS_PROVIDERS takes {', '.join(_NAMES)}.")
    passed_over: list[str] = []
    for word in words:
        entry = (_NAMES[word], _options(word, threads, cache, card))
        if not (reason := works(entry)):
            return Provision(word, _with_rest(entry, works, card), tuple(passed_over))
        passed_over.append(f"The provider {word} is passed over: {reason}; it needs {_SOURCES[word]}.")
    raise Misconfigured(" ".join(["None of VISAVIS_PROVIDERS can be used.", *passed_over]))


def _with_rest(entry: Entry, works: Callable[[Entry], str], card: int) -> tuple[Entry, ...]:
    """With those behind it that run what it cannot."""
    cuda: Entry = (_NAMES["cuda"], _options("cuda", 1, Path(), card))
    if entry[0] == _NAMES["tensorrt"] and not works(cuda):
        return (entry, cuda, _CPU)
    return (entry,) if entry[0] == _CPU[0] else (entry, _CPU)


def _options(word: str, threads: int, cache: Path, card: int) -> dict[str, str]:
    if word == "openvino":
        return {"device_type": "CPU", "num_of_threads": str(threads)}
    if word == "tensorrt":
        kept = str(cache)
        return {
            "device_id": str(card),
            "trt_engine_cache_enable": "True", "trt_engine_cache_path": kept,
            "trt_timing_cache_enable": "True", "trt_timing_cache_path": kept,
        }  # fmt: skip
    if word == "cuda":
        # Not EXHAUSTIVE, which tries all there is for every convolution of every new shape. And with all 23 bits: a
        # faint face's box moves by more than a pixel for less than what TensorFloat-32 leaves out.
        return {"device_id": str(card), "cudnn_conv_algo_search": "HEURISTIC", "use_tf32": "0"}
    return {}
