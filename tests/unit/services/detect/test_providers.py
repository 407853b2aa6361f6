"""Which execution provider runs the models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from services.detect.engine import why_not
from services.detect.providers import provision
from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.detect.providers import Entry

CACHE = Path("compiled")


def only(*names: str) -> Callable[[Entry], str]:
    """A machine that has these."""

    def works(entry: Entry) -> str:
        return "" if entry[0].removesuffix("ExecutionProvider").lower() in names else "it is not there"

    return works


def chosen(wanted: str, *there: str) -> list[str]:
    made = provision(wanted, only(*there), threads=3, cache=CACHE)
    return [name.removesuffix("ExecutionProvider").lower() for name, _ in made.entries]


def test_the_first_that_is_there_is_taken_and_the_cpu_does_the_rest() -> None:
    assert chosen("cuda, openvino, cpu", "openvino", "cpu") == ["openvino", "cpu"]
    assert chosen("cpu,cuda", "cuda", "cpu") == ["cpu"]


def test_what_tensorrt_cannot_run_cuda_does() -> None:
    assert chosen("tensorrt,cpu", "tensorrt", "cuda", "cpu") == ["tensorrt", "cuda", "cpu"]
    assert chosen("tensorrt,cpu", "tensorrt", "cpu") == ["tensorrt", "cpu"]


def test_one_that_is_passed_over_is_told_with_what_it_needs() -> None:
    made = provision("openvino,cpu", why_not, threads=1, cache=CACHE)
    if made.word == "openvino":
        pytest.skip("This ONNX Runtime has OpenVINO.")
    [sentence] = made.passed_over
    assert "no OpenVINOExecutionProvider" in sentence
    assert "onnxruntime-openvino" in sentence


def test_without_any_that_works_the_process_cannot_start() -> None:
    with pytest.raises(Misconfigured, match=r"onnxruntime-gpu.*onnxruntime-openvino"):
        provision("cuda,openvino", only("cpu"), threads=1, cache=CACHE)


def test_an_unknown_word_is_refused_with_those_there_are() -> None:
    with pytest.raises(Misconfigured, match=r"'gpu'.*tensorrt, cuda, openvino, cpu"):
        provision("gpu,cpu", why_not, threads=1, cache=CACHE)


def test_openvino_keeps_to_its_threads_and_tensorrt_keeps_what_it_compiled() -> None:
    openvino = provision("openvino", only("openvino"), threads=3, cache=CACHE)
    assert openvino.entries[0][1]["num_of_threads"] == "3"
    tensorrt = provision("tensorrt", only("tensorrt"), threads=3, cache=CACHE)
    assert tensorrt.entries[0][1]["trt_engine_cache_path"] == str(CACHE)


@pytest.mark.parametrize(("word", "is_fixed"), [("tensorrt", True), ("openvino", True), ("cuda", True), ("cpu", False)])
def test_batches_have_fixed_sizes_where_a_shape_is_compiled_or_recorded(word: str, is_fixed: bool) -> None:
    batches = provision(word, only(word), threads=1, cache=CACHE).batches
    assert bool(batches.buckets) == is_fixed
    assert not batches.buckets or batches.most == batches.buckets[-1]


def test_models_run_on_the_card_of_the_lane() -> None:
    made = provision("tensorrt", only("tensorrt", "cuda"), threads=1, cache=CACHE, card=2)
    assert [options["device_id"] for _, options in made.entries[:2]] == ["2", "2"]


def test_what_tensorrt_leaves_to_cuda_has_cudas_options() -> None:
    made = provision("tensorrt", only("tensorrt", "cuda"), threads=1, cache=CACHE)
    assert made.entries[1] == provision("cuda", only("cuda"), threads=1, cache=CACHE).entries[0]


def test_without_its_libraries_tensorrt_is_passed_over_for_cuda_with_a_sentence() -> None:
    made = provision("tensorrt,cuda,cpu", only("cuda", "cpu"), threads=1, cache=CACHE)
    assert made.word == "cuda"
    assert made.passed_over == (
        "The provider tensorrt is passed over: it is not there; it needs the package onnxruntime-gpu and the TensorRT "
        "libraries.",
    )
