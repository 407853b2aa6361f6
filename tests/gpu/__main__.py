"""`make gpu-bench`: what the lane of a card does, by this machine's card: out/gpu-bench.json, table of docs/gpu.md.

`make gpu-bench ONLY="decode detect"` measures some parts anew; the others' figures stay, if this machine measured them
with the same versions. Each part runs in a process of its own, so that none finds the card warm, or full, by another.
`WITHIN=540` ends in so many seconds: what is not done then is ended in order, and what has not begun is not. The page
is renewed when every part has been measured. What a part that fails said last stands in the file, too.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from shared.cuda.card import bus_address, why_not
from tests.children import tied
from tests.gpu.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PARTS = ("handover", "decode", "detect", "tone", "bend", "draw", "pipeline", "copies", "service")
"""Each is a module `tests.gpu.bench_<part>`, which prints its figures as JSON objects, one a line, the later ones over
the earlier."""
OUT, PAGE = Path("out/gpu-bench.json"), Path("docs/gpu.md")
BEGIN, END = "<!-- made by the bench -->", "<!-- /made by the bench -->"
PATIENCE_SECONDS, END_SECONDS = 900.0, 60.0
"""How long a part may take, and to end when it is told to."""
FAILED = "failed"
LINES_KEPT = 60
"""Of what a part that fails said."""


def main() -> None:
    """Measure what was asked for, or everything; print it, write it, renew the table."""
    asked, within_seconds = _asked()
    if reason := why_not():
        sys.exit(f"There is nothing to measure: {reason}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("The bench was ended."))  # with the part that runs
    machine, run = Machine(bus_address()), time.strftime("%Y-%m-%d %H:%M:%S")
    document = begun(OUT, machine.description)
    OUT.parent.mkdir(exist_ok=True)
    end = time.monotonic() + within_seconds
    for part in asked:
        before, started, at = machine.used_mib(), time.monotonic(), time.strftime("%Y-%m-%d %H:%M")
        if (left_seconds := end - started - END_SECONDS) <= 0:
            print(f"{part}: not begun, the time is up", file=sys.stderr, flush=True)
            continue
        figures, said = measured(command(part), min(PATIENCE_SECONDS, left_seconds))
        seconds = round(time.monotonic() - started)
        if left := machine.left_mib(before):
            figures["left on the card: MiB"] = left
        document["parts"][part] = {"run": run, "begun": at, "seconds": seconds, "figures": figures}
        if FAILED in figures:
            document["parts"][part]["said"] = said
        OUT.write_text(json.dumps(document, indent=1))  # at once: what comes next may take the machine with it
        print(
            f"{part}: {seconds} s" + (f", {figures[FAILED]}" if FAILED in figures else ""), file=sys.stderr, flush=True
        )
    print(json.dumps(document, indent=1))
    if missing := unmeasured(document):
        print(f"{PAGE} stays as it is until there are figures of {', '.join(missing)}.", file=sys.stderr)
    elif PAGE.exists():
        PAGE.write_text(renewed(PAGE.read_text(), document))


def _asked() -> tuple[list[str], float]:
    """The parts, in how many seconds."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; none: all")
    parser.add_argument("--within", type=float, default=float("inf"), metavar="SECONDS", help="end in time")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"There is no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}.")
    return given.parts or list(PARTS), given.within


def command(part: str) -> list[str]:
    """What measures it."""
    return [sys.executable, "-m", f"tests.gpu.bench_{part}"]


def unmeasured(document: dict[str, Any]) -> list[str]:
    """Parts of which there are no figures, or not all."""
    parts = document["parts"]
    return [part for part in PARTS if part not in parts or FAILED in parts[part]["figures"]]


def begun(path: Path, machine: str) -> dict[str, Any]:
    """What an earlier run of the same machine with the same versions left there; else nothing yet."""
    if path.exists():
        earlier: dict[str, Any] = json.loads(path.read_text())
        if earlier.get("machine") == machine and "parts" in earlier:
            return earlier
    return {"machine": machine, "parts": {}}


def measured(words: Sequence[str], patience_seconds: float = PATIENCE_SECONDS) -> tuple[dict[str, Any], list[str]]:
    """What a part's process prints, and the last lines of what it complained of.

    If it fails, that is among the figures, beside what it had printed until then.
    """
    figures: dict[str, Any] = {}
    said: deque[str] = deque(maxlen=LINES_KEPT)
    process = subprocess.Popen(
        [*tied(), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        preexec_fn=_hear_interrupts,  # noqa: PLW1509  -- no other thread runs when a part is begun
    )  # fmt: skip
    readers = [
        threading.Thread(target=_read, args=(stream, note), daemon=True)
        for stream, note in ((process.stdout, partial(_take, figures)), (process.stderr, said.append))
    ]
    try:
        for reader in readers:
            reader.start()
        status = process.wait(patience_seconds)
    except subprocess.TimeoutExpired:
        figures[FAILED] = f"not done after {patience_seconds:.0f} s"
    else:
        if status:
            figures[FAILED] = f"exit status {status}"
    finally:
        _end(process)
    for reader in readers:
        reader.join(END_SECONDS)
    return dict(figures), list(said)


def _hear_interrupts() -> None:
    """What a shell begins with `&` ignores them, with all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _read(stream: IO[str], note: Callable[[str], None]) -> None:
    with stream:
        for line in stream:
            print(line, end="", file=sys.stderr, flush=True)
            note(line.rstrip())


def _take(figures: dict[str, Any], line: str) -> None:
    with suppress(json.JSONDecodeError):  # a library may print, too
        if isinstance(told := json.loads(line), dict):
            figures.update(told)


def _end(process: subprocess.Popen[str]) -> None:
    """With all that it started and that is still of its session's group."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)  # so it ends what it has begun: services, NVIDIA's daemon
        with suppress(subprocess.TimeoutExpired):
            process.wait(END_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def renewed(page: str, document: dict[str, Any]) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    parts = {name: document["parts"][name] for name in PARTS if name in document["parts"]}
    rows = [
        f"| {part} | {name} | {_shown(value)} |"
        for part, measured_ in parts.items()
        for name, value in measured_["figures"].items()
    ]
    lines = [BEGIN, when(parts), document["machine"], "", "| part | figure | value |", "|---|---|---|", *rows, END]
    return before + "\n".join(lines) + after


def when(parts: dict[str, Any]) -> str:
    """In how many runs, from when to when, and how long each part took."""
    runs, begins = {one["run"] for one in parts.values()}, sorted(one["begun"] for one in parts.values())
    count = "one run" if len(runs) == 1 else f"{len(runs)} runs"
    took = ", ".join(f"{name} {one['seconds']}" for name, one in parts.items())
    return f"Measured in {count}, parts begun {begins[0]} to {begins[-1]} (seconds: {took}).  "


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
