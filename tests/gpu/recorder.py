"""Every copy that a process has the card make, whoever asks for it, by NVIDIA's CUPTI (its activity API).

One recorder a process, made before its first call of CUDA: what CUPTI has not seen made (graphs) it may not see at all.
"""

from __future__ import annotations

import ctypes
import subprocess
from collections import Counter
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Protocol

from shared.model.errors import Misconfigured
from tests.cuda.emulated import COMPILER, WHY_NOT
from tests.gpu.copies import Copy

PACKAGE, LIBRARY = "nvidia-cuda-cupti", "libcupti.so.13"
SOURCE = Path(__file__).with_name("copies.cpp")
BUILD_SECONDS = 120.0
_MOST_LINES = 1 << 16


class Recorder(Protocol):
    """What has been copied."""

    def taken(self) -> tuple[Counter[Copy], int]:
        """Since the last time, and how many copies could not be recorded. What the card was told must be done.

        Raises Misconfigured if the library fails.
        """
        ...


class _Line(ctypes.Structure):
    """As in copies.cpp."""

    _fields_ = [
        *((name, ctypes.c_uint8) for name in ("kind", "source", "target", "is_async")),
        ("unused", ctypes.c_uint32),
        ("bytes", ctypes.c_uint64),
        ("count", ctypes.c_uint64),
    ]


class CuptiRecorder:
    """As `Recorder`, by CUPTI."""

    def __init__(self, built: Path, library: str) -> None:
        """built: by `build`; library: CUPTI's own. Raises Misconfigured."""
        self._native = ctypes.CDLL(str(built))
        self._native.begin_recording.restype = ctypes.c_char_p
        self._native.take.restype = ctypes.c_uint64
        if said := self._native.begin_recording(library.encode()):
            raise Misconfigured(f"CUPTI ({library}) does not record: {said.decode()}.")

    def taken(self) -> tuple[Counter[Copy], int]:
        """As `Recorder` says."""
        if status := self._native.flush():
            raise Misconfigured(f"CUPTI does not give what it recorded (error {status}).")
        lines, lost = (_Line * _MOST_LINES)(), ctypes.c_uint64()
        count = self._native.take(lines, ctypes.c_uint64(_MOST_LINES), ctypes.byref(lost))
        copies: Counter[Copy] = Counter()
        for line in lines[:count]:
            copies[Copy(line.kind, line.source, line.target, bool(line.is_async), line.bytes)] += line.count
        return copies, int(lost.value)


def build(folder: Path) -> Path:
    """The native half, compiled into `folder`. Raises Misconfigured."""
    if COMPILER is None:
        raise Misconfigured(WHY_NOT)
    built = folder / "copies.so"
    command = [COMPILER, "-std=c++17", "-O2", "-shared", "-fPIC", str(SOURCE), "-o", str(built), "-ldl"]
    told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=BUILD_SECONDS)
    if told.returncode:
        raise Misconfigured(f"{SOURCE.name} cannot be compiled: {told.stderr}")
    return built


def library() -> str:
    """Where CUPTI is: of its package, else what the loader finds, as of a system with CUDA. Raises Misconfigured."""
    try:
        own = [str(one.locate()) for one in files(PACKAGE) or () if one.name == LIBRARY]
    except PackageNotFoundError:
        own = []
    for path in (*own, LIBRARY):
        try:
            ctypes.CDLL(path)
        except OSError:
            continue
        return path
    raise Misconfigured(
        f"CUPTI is not here: neither the package {PACKAGE} (the extra `profile`) nor a system's {LIBRARY}"
    )


def version(path: str) -> str:
    """Of CUPTI's interface, as its header counts: 130001 is of CUDA 13.0."""
    number = ctypes.c_uint32()
    ctypes.CDLL(path).cuptiGetVersion(ctypes.byref(number))
    return str(number.value)
