"""The parts of the bench of a card, and the page of its figures."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from tests.gpu import __main__ as bench
from tests.gpu.__main__ import BEGIN, END, FAILED, begun, measured, renewed

PART = {"run": "2026-01-02 03:04:05", "begun": "2026-01-02 03:04", "seconds": 7}
DOCUMENT: dict[str, Any] = {
    "machine": "a card",
    "parts": {
        "tone": {**PART, "begun": "2026-01-02 03:05", "figures": {"copies: bytes a frame": 2_073_600}},
        "decode": {**PART, "figures": {"frames a second": 1234.56, "how": "x"}},
    },
}


def run(program: str, patience_seconds: float = 60) -> dict[str, Any]:
    return measured([sys.executable, "-c", program], patience_seconds)


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
print(json.dumps({"child": child.pid}), flush=True)
try:
    time.sleep(600)
finally:
    print(json.dumps({"tidied": True}), flush=True)
"""
    told = run(program, patience_seconds=3)
    assert (told["tidied"], told[FAILED]) == (True, "not done after 3 s")
    end = time.monotonic() + 30
    while psutil.pid_exists(told["child"]) and psutil.Process(told["child"]).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end, "what the part started goes on"
        time.sleep(0.05)


def test_every_part_is_a_module_of_its_own() -> None:
    modules = {path.stem.removeprefix("bench_") for path in Path(bench.__file__).parent.glob("bench_*.py")}
    assert set(bench.PARTS) == modules
