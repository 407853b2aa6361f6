"""The door to ONNX Runtime."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnxruntime.capi import onnxruntime_pybind11_state

from services.detect.engine import CPU, Engine, on_stream, why_not
from services.detect.models.emitting import FLOAT, Emitter
from services.detect.models.store import sha256_of
from shared.model.errors import Misconfigured


def doubling() -> bytes:
    e = Emitter()
    e.node("Mul", "x", e.floats(2), name="twice")
    shape = ["n"]
    ends = (helper.make_tensor_value_info(name, FLOAT, shape) for name in ("x", "twice"))
    source, result = ends
    return e.model("doubling", [source], [result])


def saved(folder: Path, content: bytes) -> tuple[Path, str]:
    path = folder / "doubling.onnx"
    path.write_bytes(content)
    return path, sha256_of(content)


def test_outputs_come_by_name(tmp_path: Path) -> None:
    engine = Engine(*saved(tmp_path, doubling()))
    assert engine.run(x=np.array([1, 2], np.float32))["twice"].tolist() == [2, 4]


@pytest.mark.parametrize("module", ["services.detect.engine", "services.detect.models.quantizing"])
def test_onnx_runtime_keeps_nothing_to_tell_its_maker(module: str, tmp_path: Path) -> None:
    library = Path(onnxruntime_pybind11_state.__file__).read_bytes()
    if b"/OneCollector/" not in library:
        pytest.skip("This ONNX Runtime has nobody to tell.")
    assert b"ORT_DISABLE_TELEMETRY" in library, "it is asked for silence by another word"
    home = tmp_path / "home"
    home.mkdir()
    path, digest = saved(tmp_path, doubling())
    run = f"from pathlib import Path; Engine(Path({str(path)!r}), {digest!r}).warm_up({{'x': (5,)}})"
    program = f"import {module}; from services.detect.engine import Engine; {run}"
    mute = {"ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"}
    kept = {name: value for name, value in os.environ.items() if name not in mute}
    subprocess.run([sys.executable, "-c", program], env={**kept, "HOME": str(home)}, check=True)
    assert list(home.rglob("*")) == []


def test_who_asks_is_told_what_each_run_takes(tmp_path: Path) -> None:
    engine, told = Engine(*saved(tmp_path, doubling())), []
    engine.warm_up({"x": (5,)})
    engine.ran = lambda *run: told.append(run)
    engine.run(x=np.ones(3, np.float32))
    with engine.timed(7, "cuda"):
        pass
    assert [run[:3] for run in told] == [("doubling", "cpu", 3), ("doubling", "cuda", 7)]
    assert all(0 < run[3] < 60 for run in told)


def test_a_warm_engine_still_takes_other_sizes(tmp_path: Path) -> None:
    engine = Engine(*saved(tmp_path, doubling()))
    engine.warm_up({"x": (5,)})
    assert engine.run(x=np.ones(3, np.float32))["twice"].tolist() == [2, 2, 2]


def test_what_a_model_cannot_be_run_for_is_said_in_one_line(tmp_path: Path) -> None:
    e = Emitter()
    e.node("Reshape", "x", e.integers(2), name="twice")
    source, result = (helper.make_tensor_value_info(name, FLOAT, ["n"]) for name in ("x", "twice"))
    engine = Engine(*saved(tmp_path, e.model("pair", [source], [result])))
    with pytest.raises(Misconfigured, match="cannot be reshaped") as caught:
        engine.warm_up({"x": (3,)})
    assert "\n" not in str(caught.value)


def test_several_threads_share_one_engine(tmp_path: Path) -> None:
    engine = Engine(*saved(tmp_path, doubling()))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda n: engine.run(x=np.full(4, n, np.float32))["twice"][0], range(50)))
    assert results == [2 * n for n in range(50)]


def test_another_file_than_was_prepared_is_refused(tmp_path: Path) -> None:
    path, _ = saved(tmp_path, doubling())
    with pytest.raises(Misconfigured, match="not the one that was prepared"):
        Engine(path, sha256_of(b"another"))


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="visavis models prepare"):
        Engine(tmp_path / "none.onnx", "")


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="is no ONNX file"):
        Engine(*saved(tmp_path, b"text"))


def test_a_model_that_onnx_runtime_cannot_run_is_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(doubling())
    model.graph.node[0].op_type = "Nonesuch"
    with pytest.raises(Misconfigured, match="cannot open the model"):
        Engine(*saved(tmp_path, model.SerializeToString()))


def test_weights_in_another_file_are_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(doubling())
    onnx.save(model, tmp_path / "m.onnx", save_as_external_data=True, location="w.bin", size_threshold=0)
    content = (tmp_path / "m.onnx").read_bytes()
    with pytest.raises(Misconfigured, match="self-contained"):
        Engine(*saved(tmp_path, content))


def test_operators_from_elsewhere_are_refused(tmp_path: Path) -> None:
    model = onnx.load_from_string(doubling())
    model.graph.node[0].domain = "org.elsewhere"
    with pytest.raises(Misconfigured, match=r"org.elsewhere.Mul"):
        Engine(*saved(tmp_path, model.SerializeToString()))


def test_the_cpu_can_always_be_had() -> None:
    assert why_not(CPU[0]) == why_not((CPU[0], {})) == ""


def test_a_provider_that_is_not_installed_is_said_so() -> None:
    assert "has no NobodysExecutionProvider" in why_not(("NobodysExecutionProvider", {}))


def test_a_provider_that_fails_to_start_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["NobodysExecutionProvider"])
    with pytest.warns(UserWarning, match="not in available"):
        assert "does not start" in why_not("NobodysExecutionProvider")


class StreamOnly:
    """Of a card what opening a model asks for."""

    number, memory, stream_address = 3, "cuda", 4096


def test_on_a_card_a_model_runs_on_the_devices_stream() -> None:
    device: Any = StreamOnly()
    wanted = [("CUDAExecutionProvider", {"use_tf32": "0"}), "CPUExecutionProvider"]
    assert on_stream(wanted, device) == [
        ("CUDAExecutionProvider", {"use_tf32": "0", "device_id": "3", "user_compute_stream": "4096"}),
        ("CPUExecutionProvider", {}),
    ]


def test_a_model_that_the_host_computes_is_opened_on_no_card(tmp_path: Path) -> None:
    device: Any = StreamOnly()
    assert not Engine(*saved(tmp_path, doubling()), devices=[device]).is_on(device)
