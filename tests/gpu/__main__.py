"""`make gpu-bench`: what the lane of a card does, by this machine's card: out/gpu-bench.json, table of docs/gpu.md.

`make gpu-bench ONLY="decode detect"` measures some parts. Each runs in a process of its own, so that none finds the
card warm, or full, by another.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from shared.cuda.card import Card, why_not

PARTS = ("handover", "decode", "detect", "tone", "bend", "draw", "pipeline")
"""Each is a module `tests.gpu.bench_<part>`, which prints its figures as one JSON object in its last line."""
OUT, PAGE = Path("out/gpu-bench.json"), Path("docs/gpu.md")
BEGIN, END = "<!-- made by the bench -->", "<!-- /made by the bench -->"
PACKAGES = ("cupy-cuda13x", "onnxruntime-gpu", "PyNvVideoCodec", "numpy", "av")


def main() -> None:
    """Measure what was asked for, or everything; print it, write it, renew the table."""
    if reason := why_not():
        sys.exit(f"There is nothing to measure: {reason}.")
    asked = sys.argv[1:] or list(PARTS)
    if unknown := set(asked) - set(PARTS):
        sys.exit(f"There is no part {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}.")
    figures = {part: measured(part) for part in asked}
    document = {"when": time.strftime("%Y-%m-%d %H:%M"), "machine": machine(), "figures": figures}
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(document, indent=1))
    print(json.dumps(document, indent=1))
    if PAGE.exists():
        PAGE.write_text(renewed(PAGE.read_text(), document))


def measured(part: str) -> dict[str, Any]:
    """What a part's process prints; if it fails, how."""
    command = [sys.executable, "-m", f"tests.gpu.bench_{part}"]
    told = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if told.returncode:
        return {"failed": f"exit status {told.returncode}"}
    figures: dict[str, Any] = json.loads(told.stdout.strip().splitlines()[-1])
    return figures


def machine() -> str:
    """Card, driver and versions, in one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"{Card().description}; Python {platform.python_version()}, {packages}"


def renewed(page: str, document: dict[str, Any]) -> str:
    """The page with its table made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    rows = [
        f"| {part} | {name} | {_shown(value)} |"
        for part, figures in document["figures"].items()
        for name, value in figures.items()
    ]
    lines = [
        BEGIN,
        f"{document['when']}, {document['machine']}",
        "",
        "| part | figure | value |",
        "|---|---|---|",
        *rows,
        END,
    ]
    return before + "\n".join(lines) + after


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
