"""Runs models for whoever asks, one thread, in an interpreter with any ONNX Runtime: a line of JSON in, one out."""

import json
import sys
import time
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # the interpreter may be one that our packages are not installed in

from services.detect.engine import Engine, why_not
from services.detect.providers import provision
from shared.model.errors import Misconfigured

RUNS, WARM_UPS = 10, 3
BF16 = {"load_config": json.dumps({"CPU": {"INFERENCE_PRECISION_HINT": "bf16"}})}
"""What has OpenVINO compute in bfloat16 where the processor can (AVX512_BF16)."""


def main() -> None:
    """Until there are no more lines."""
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)


def answer(file: str, sha256: str, inputs: list[str], provider: str) -> dict[str, Any]:
    """Milliseconds of one run on each of the inputs (.npz files), the best of RUNS; or why there are none."""
    try:
        engine = opened(file, sha256, provider)
    except Misconfigured as reason:
        return {"refused": str(reason)}
    return {"milliseconds": sum(best(engine, path) for path in inputs)}


@cache
def opened(file: str, sha256: str, provider: str) -> Engine:
    """The model by a word of VISAVIS_PROVIDERS, or `openvino-bf16`."""
    word, _, bf16 = provider.partition("-")
    (name, options), *rest = provision(word, why_not, threads=1, cache=Path(file).parent).entries
    return Engine(Path(file), sha256, 1, [(name, options | BF16 if bf16 else options), *rest])


@cache
def stored(path: str) -> dict[str, Any]:
    """The inputs of one run."""
    with np.load(path) as arrays:
        return dict(arrays)


def best(engine: Engine, path: str) -> float:
    """Milliseconds of the quickest run."""
    times = []
    for turn in range(WARM_UPS + RUNS):
        started = time.perf_counter()
        engine.run(**stored(path))
        if turn >= WARM_UPS:
            times.append(time.perf_counter() - started)
    return min(times) * 1000


if __name__ == "__main__":
    main()
