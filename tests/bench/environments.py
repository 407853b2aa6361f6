"""Python environments of their own for what is measured against, under out/bench-peers; made once, kept."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.model.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FOLDER = Path("out/bench-peers")
_READY = ".ready"


def environment(name: str, packages: Sequence[str], python: str = sys.executable) -> Path:
    """The interpreter of an environment with these packages, from the index that the user has configured.

    Raises Unavailable with the reason if it cannot be made.
    """
    folder = (FOLDER / name).resolve()
    interpreter = folder / "bin" / "python"
    if not (folder / _READY).exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        uv = shutil.which("uv") or str(Path(".uv/bin/uv").resolve())
        _run(name, [uv, "venv", "--quiet", "--python", python, str(folder)])
        _run(name, [uv, "pip", "install", "--quiet", "--python", str(interpreter), *packages])
        (folder / _READY).touch()
    return interpreter


def older_python(newest: tuple[int, int], oldest: tuple[int, int]) -> str:
    """An interpreter between the two versions, this one if it fits. Raises Unavailable if there is none."""
    if oldest <= sys.version_info[:2] <= newest:
        return sys.executable
    names = [f"python{newest[0]}.{minor}" for minor in range(newest[1], oldest[1] - 1, -1)]
    found = next((path for path in map(shutil.which, names) if path), None)
    if found is None:
        raise Unavailable(f"There is no Python {oldest[0]}.{oldest[1]} to {newest[0]}.{newest[1]} on this machine.")
    return found


@contextmanager
def conversation(python: Path, script: Path) -> Iterator[Callable[[str], dict[str, Any]]]:
    """A script in a process of its own that answers each line with a line of JSON, and waits between them."""
    command = [str(python), str(script)]
    with subprocess.Popen(
        command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        questions, answers = process.stdin, process.stdout
        assert questions
        assert answers

        def ask(line: str) -> dict[str, Any]:
            questions.write(line + "\n")
            questions.flush()
            answer = answers.readline()
            if not answer:
                raise RuntimeError(f"{script.name} ended with {process.wait()}")
            found: dict[str, Any] = json.loads(answer)
            return found

        yield ask
        questions.close()


def _run(name: str, command: list[str]) -> None:
    try:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except OSError as error:
        raise Unavailable(f"The environment {name} cannot be made: {command[0]}: {error.strerror}.") from error
    if done.returncode:
        raise Unavailable(f"The environment {name} cannot be made: {' '.join(done.stderr.split())[-300:]}")
