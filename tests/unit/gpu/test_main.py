"""The parts of the bench of a card, and the page of its figures."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from tests.children import tied
from tests.gpu import __main__ as bench
from tests.gpu.__main__ import BEGIN, END, END_SECONDS, FAILED, begun, main, measured, renewed, unmeasured

CORES = len(os.sched_getaffinity(0))
PART = {"run": "2026-01-02 03:04:05", "begun": "2026-01-02 03:04", "seconds": 7}
DOCUMENT: dict[str, Any] = {
    "machine": "a card",
    "parts": {
        "tone": {**PART, "begun": "2026-01-02 03:05", "figures": {"copies: bytes a frame": 2_073_600}},
        "decode": {**PART, "figures": {"frames a second": 1234.56, "how": "x"}},
    },
}


def run(program: str, patience_seconds: float = 60) -> dict[str, Any]:
    return measured([sys.executable, "-c", program], patience_seconds)[0]


def gone(pid: int) -> None:
    """Soon."""
    end = time.monotonic() + 30
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end, "what was started goes on"
            time.sleep(0.05)


def test_the_table_takes_the_place_of_the_older_one() -> None:
    page = f"# The card\n\n{BEGIN}\nold\n{END}\n\nMore.\n"
    when = (
        "Measured in one run, parts begun 2026-01-02 03:04 to 2026-01-02 03:05 (seconds: decode 7, tone 7).  \na card"
    )
    rows = "| decode | frames a second | 1235 |\n| decode | how | x |\n| tone | copies: bytes a frame | 2073600 |"
    table = f"| part | figure | value |\n|---|---|---|\n{rows}"
    expected = f"# The card\n\n{BEGIN}\n{when}\n\n{table}\n{END}\n\nMore.\n"
    assert renewed(page, DOCUMENT) == expected
    assert renewed(expected, DOCUMENT) == expected


def test_the_page_says_in_how_many_runs() -> None:
    parts = {**DOCUMENT["parts"], "bend": {**PART, "run": "2026-01-03 00:00:00", "figures": {}}}
    assert "Measured in 2 runs, " in renewed(f"{BEGIN}{END}", {**DOCUMENT, "parts": parts})


def test_figures_of_the_same_machine_and_versions_are_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "gpu-bench.json"
    assert begun(path, "a card") == {"machine": "a card", "parts": {}}
    path.write_text(json.dumps(DOCUMENT))
    assert begun(path, "a card") == DOCUMENT
    assert begun(path, "another") == {"machine": "another", "parts": {}}


def test_figures_are_all_objects_that_a_part_prints_and_nothing_else() -> None:
    assert run("""print('{"a": 1, "b": 1}\\nnoise\\n3\\n{"b": 2.5}')""") == {"a": 1, "b": 2.5}


def test_a_part_that_fails_keeps_what_it_had_told() -> None:
    told = run("""import sys; print('{"a": 1}', flush=True); sys.exit(3)""")
    assert told == {"a": 1, FAILED: "exit status 3"}


def test_a_part_that_does_not_end_is_ended_with_what_it_started_after_it_could_tidy_up() -> None:
    program = """
import json, subprocess, sys, time
stubborn = "import signal, time; signal.signal(2, signal.SIG_IGN); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", stubborn])
try:
    print(json.dumps({"child": child.pid}), flush=True)
    time.sleep(600)
finally:
    print(json.dumps({"tidied": True}), flush=True)
"""
    told = run(program, patience_seconds=3)
    assert (told["tidied"], told[FAILED]) == (True, "not done after 3 s")
    gone(told["child"])


def test_the_last_that_a_part_complained_of_is_kept() -> None:
    program = "import sys; [print(n, file=sys.stderr) for n in range(1000)]; raise ValueError('no card')"
    figures, said = measured([sys.executable, "-c", program], 60)
    assert figures == {FAILED: "exit status 1"}
    assert said[-1] == "ValueError: no card"
    assert "999" in said
    assert "1" not in said


@pytest.mark.skipif(not tied(), reason="There is no setpriv on this machine.")
def test_a_part_does_not_outlive_the_bench_that_is_killed() -> None:
    part = "import os, time; print('{' + f'\"part\": {os.getpid()}' + '}', flush=True); time.sleep(600)"
    program = f"import sys; from tests.gpu.__main__ import measured; measured([sys.executable, '-c', {part!r}])"
    with subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        pid = json.loads(process.stderr.readline())["part"]
        process.kill()
    gone(pid)


@pytest.mark.parametrize(
    "begun_by", ["", "signal.signal(signal.SIGINT, signal.SIG_IGN)"], ids=["a shell", "a shell's &"]
)
def test_a_bench_that_is_told_to_end_ends_its_part_in_order(begun_by: str, tmp_path: Path) -> None:
    part = tmp_path / "part.py"
    part.write_text("""
import json, os, pathlib, time
try:
    print(json.dumps({"part": os.getpid()}), flush=True)
    while True:  # a signal that comes just before a sleep is seen after it
        time.sleep(0.1)
finally:
    pathlib.Path("tidied").touch()
""")
    program = f"""
import signal, sys
{begun_by}
from types import SimpleNamespace
from tests.gpu import __main__ as bench
bench.why_not, bench.bus_address = str, str
bench.Machine = lambda at: SimpleNamespace(description="a card", used_mib=lambda: 0, left_mib=lambda before: 0)
bench.command = lambda name: [sys.executable, {str(part)!r}]
bench.main()
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(bench.__file__).parents[2])}
    command = [sys.executable, "-c", program, "tone", "--within", "600"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environment) as process:
        assert process.stderr is not None
        pid = json.loads(process.stderr.readline())["part"]
        process.terminate()
        process.stderr.read()
    assert (tmp_path / "tidied").exists()
    gone(pid)


def test_no_part_is_begun_when_the_time_is_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "why_not", str)
    monkeypatch.setattr(bench, "bus_address", str)
    monkeypatch.setattr(bench, "Machine", lambda _: SimpleNamespace(description="a card", used_mib=lambda: 0))
    monkeypatch.setattr(bench.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["bench", "tone", "--within", str(END_SECONDS)])
    main()
    assert "tone: not begun, the time is up\n" in capsys.readouterr().err


@pytest.mark.skipif(not shutil.which("taskset") or CORES < 2, reason="Two cards need two cores and taskset.")
def test_several_cards_measure_at_the_same_time_each_with_cores_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = """
import json, os, pathlib, sys, time
pathlib.Path(sys.argv[1]).touch()
while len(list(pathlib.Path.cwd().glob("begun-*"))) < 2:
    time.sleep(0.05)
print(json.dumps({"card": os.environ["CUDA_VISIBLE_DEVICES"], "cores": sorted(os.sched_getaffinity(0))}))
"""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(bench, "why_not", str)
    monkeypatch.setattr(bench, "bus_address", str)
    card = SimpleNamespace(description="a card", used_mib=lambda: 0, left_mib=lambda _: 0)
    monkeypatch.setattr(bench, "Machine", lambda _: card)
    monkeypatch.setattr(bench.signal, "signal", lambda *_: None)
    monkeypatch.setattr(bench, "command", lambda part: [sys.executable, "-c", program, f"begun-{part}"])
    monkeypatch.setattr(sys, "argv", ["bench", "tone", "draw", "--cards", "2", "--within", "120"])
    monkeypatch.setattr(bench, "count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    main()
    document = json.loads(Path("out/gpu-bench.json").read_text())
    told = [part["figures"] for part in document["parts"].values()]
    assert sorted(one["card"] for one in told) == ["3", "5"]
    one, other = (set(one["cores"]) for one in told)
    assert len(one) == len(other) == CORES // 2
    assert not one & other
    assert document["machine"].startswith("a card; 2 such cards measured different parts at the same time")


def test_more_cards_than_there_are_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(bench, "count", lambda: 1)
    with pytest.raises(SystemExit, match="There are no 2 cards with cores for each: 1 cards"):
        bench.places(2)


def test_the_page_waits_for_parts_that_failed() -> None:
    failed = {**PART, "figures": {"a": 1, FAILED: "exit status 1"}}
    parts = {name: PART | {"figures": {"a": 1}} for name in bench.PARTS}
    assert unmeasured({"parts": parts}) == []
    assert unmeasured({"parts": parts | {"draw": failed}}) == ["draw"]
    assert unmeasured(DOCUMENT) == [name for name in bench.PARTS if name not in DOCUMENT["parts"]]


def test_every_part_is_a_module_of_its_own() -> None:
    modules = {path.stem.removeprefix("bench_") for path in Path(bench.__file__).parent.glob("bench_*.py")}
    assert set(bench.PARTS) == modules
