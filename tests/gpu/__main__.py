"""`make gpu-bench`: what the lane of a card does, by this machine's card: out/gpu-bench.json, table of docs/gpu.md.

`make gpu-bench ONLY="decode detect"` measures some parts anew; the others' figures stay, if this machine measured them
with the same versions. Each part runs in a process of its own, so that none finds the card warm, or full, by another.
`WITHIN=540` ends in so many seconds: what is not done then is ended in order, and what has not begun is not. `CARDS=4`
has four cards of this machine measure different parts at the same time, each with a quarter of the cores. The page is
renewed when every part has been measured. What a part that fails said last stands in the file, too.
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
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from shared.cuda.card import bus_address, count, why_not
from tests.children import tied
from tests.gpu.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PARTS = ("handover", "decode", "detect", "tone", "bend", "draw", "pipeline", "copies", "service")
"""Each is a module `tests.gpu.bench_<part>`, which prints its figures as JSON objects, one a line, the later ones over
the earlier."""
LONG = ("pipeline", "service", "detect", "decode")
"""Of these, what several cards begin with."""
OUT, PAGE = Path("out/gpu-bench.json"), Path("docs/gpu.md")
BEGIN, END = "<!-- made by the bench -->", "<!-- /made by the bench -->"
PATIENCE_SECONDS, END_SECONDS, POLL_SECONDS = 900.0, 60.0, 0.1
"""How long a part may take, and to end when it is told to; how often it is looked after."""
FAILED = "failed"
LINES_KEPT = 60
"""Of what a part that fails said."""


def main() -> None:
    """Measure what was asked for, or everything; print it, write it, renew the table."""
    asked, within_seconds, cards = _asked()
    if reason := why_not():
        sys.exit(f"There is nothing to measure: {reason}.")
    at = places(cards)
    document = begun(OUT, f"{Machine(bus_address()).description}{at[0].share}")
    OUT.parent.mkdir(exist_ok=True)
    run = Run(document, asked if cards == 1 else sorted(asked, key=_late), time.monotonic() + within_seconds)
    for number in (
        signal.SIGTERM,
        signal.SIGINT,
    ):  # heard, so that the parts hear them, also where a shell's & began it
        signal.signal(number, lambda *_: run.stop.set())
    with ThreadPoolExecutor(len(at)) as threads:
        done = [threads.submit(run.on, place) for place in at]
    for one in done:
        one.result()
    if run.stop.is_set():
        sys.exit("The bench was ended.")
    print(json.dumps(document, indent=1))
    if missing := unmeasured(document):
        print(f"{PAGE} stays as it is until there are figures of {', '.join(missing)}.", file=sys.stderr)
    elif PAGE.exists():
        PAGE.write_text(renewed(PAGE.read_text(), document))


def _asked() -> tuple[list[str], float, int]:
    """The parts, in how many seconds, on how many cards."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"of {', '.join(PARTS)}; none: all")
    parser.add_argument("--within", type=float, default=float("inf"), metavar="SECONDS", help="end in time")
    parser.add_argument("--cards", type=int, default=1, metavar="N", help="which measure different parts meanwhile")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"There is no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}.")
    if not 1 <= given.cards <= len(PARTS):
        parser.error(f"--cards is 1 to {len(PARTS)}, as there are parts.")
    return given.parts or list(PARTS), given.within, given.cards


def _late(part: str) -> int:
    return LONG.index(part) if part in LONG else len(LONG)


class Place(NamedTuple):
    """A card, and the part of the machine that goes with it."""

    card: int
    """As this process's CUDA counts."""
    words: list[str]
    """Before a command's own: what keeps it to its cores."""
    environment: dict[str, str]
    share: str
    """For the page: who shared the machine, behind what it is; empty where nobody did."""


def places(cards: int) -> list[Place]:
    """So many, of the cards that CUDA_VISIBLE_DEVICES leaves and of the cores that this process may use."""
    environment = dict(os.environ)
    if cards == 1:
        return [Place(0, [], environment, "")]
    found, cores = count(), sorted(os.sched_getaffinity(0))
    names = (environment.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(found)))).split(",")
    if min(found, len(cores)) < cards:
        sys.exit(f"There are no {cards} cards with cores for each: {found} cards, {len(cores)} cores.")
    size = len(cores) // cards
    return [
        Place(
            number,
            ["taskset", "-c", ",".join(map(str, cores[number * size : (number + 1) * size]))],
            environment | {"CUDA_VISIBLE_DEVICES": names[number]},
            f"; {cards} such cards measured different parts at the same time, with {size} of the cores each",
        )
        for number in range(cards)
    ]


class Run:
    """Parts measured one after the other on each of some cards."""

    def __init__(self, document: dict[str, Any], parts: Sequence[str], end: float) -> None:
        """document: to write them to. end: of all, on the clock that is monotonic."""
        self.stop = threading.Event()
        """Set: what runs is ended in order, and no more is begun."""
        self._document, self._end, self._began = document, end, time.strftime("%Y-%m-%d %H:%M:%S")
        self._left = deque(parts)
        self._writing = threading.Lock()

    def on(self, place: Place) -> None:
        """Measure what nobody else has begun until there is no more."""
        machine = Machine(bus_address(place.card))
        while not self.stop.is_set() and (part := self._next()):
            before, started, at = machine.used_mib(), time.monotonic(), time.strftime("%Y-%m-%d %H:%M")
            if (left_seconds := self._end - started - END_SECONDS) <= 0:
                print(f"{part}: not begun, the time is up", file=sys.stderr, flush=True)
                continue
            patience_seconds = min(PATIENCE_SECONDS, left_seconds)
            words = [*place.words, *command(part)]
            figures, said = measured(words, patience_seconds, place.environment, self.stop)
            if self.stop.is_set():
                return
            seconds = round(time.monotonic() - started)
            if left := machine.left_mib(before):
                figures["left on the card: MiB"] = left
            self._write(part, {"run": self._began, "begun": at, "seconds": seconds, "figures": figures}, said)

    def _next(self) -> str:
        """A part; empty where all have been begun."""
        try:
            return self._left.popleft()
        except IndexError:
            return ""

    def _write(self, part: str, came: dict[str, Any], said: list[str]) -> None:
        """At once: what comes next may take the machine with it."""
        failed = came["figures"].get(FAILED, "")
        with self._writing:
            self._document["parts"][part] = came | ({"said": said} if failed else {})
            OUT.write_text(json.dumps(self._document, indent=1))
        told = f"{part}: {came['seconds']} s" + (f", {failed}" if failed else "")
        print(told, file=sys.stderr, flush=True)


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


def measured(
    words: Sequence[str],
    patience_seconds: float = PATIENCE_SECONDS,
    environment: dict[str, str] | None = None,
    stop: threading.Event | None = None,
) -> tuple[dict[str, Any], list[str]]:
    """What a part's process prints, and the last lines of what it complained of.

    If it fails, that is among the figures, beside what it had printed until then. environment: this one's, if None.
    stop: set where it is to end before its time.
    """
    figures: dict[str, Any] = {}
    said: deque[str] = deque(maxlen=LINES_KEPT)
    process = subprocess.Popen(
        [*tied(), *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=environment,
    )  # fmt: skip
    readers = [
        threading.Thread(target=_read, args=(stream, note), daemon=True)
        for stream, note in ((process.stdout, partial(_take, figures)), (process.stderr, said.append))
    ]
    end = time.monotonic() + patience_seconds
    try:
        for reader in readers:
            reader.start()
        while (status := process.poll()) is None and time.monotonic() < end and not (stop and stop.is_set()):
            time.sleep(POLL_SECONDS)
        if status:
            figures[FAILED] = f"exit status {status}"
        elif status is None:
            figures[FAILED] = f"not done after {patience_seconds:.0f} s"
    finally:
        _end(process)
    for reader in readers:
        reader.join(END_SECONDS)
    return dict(figures), list(said)


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
