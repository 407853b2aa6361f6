"""The machine that the bench runs on, as NVIDIA's management library and Linux tell it: no CUDA context is made."""

from __future__ import annotations

import os
import platform
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from shared.cuda import watching

PACKAGES = ("cupy-cuda13x", "onnxruntime-gpu", "PyNvVideoCodec", "nvidia-cuda-cupti", "numpy", "av")
CLEAN_SECONDS, CLEAN_MIB = 20.0, 64
"""So long after a process its memory may take to come back, and so much may come and go by itself."""


class Machine:
    """One card, and what stands around it."""

    def __init__(self, bus_address: str, nvml: Any = None) -> None:
        """bus_address: `card.bus_address()`: NVIDIA's library counts all cards there are, CUDA those that it is to see.

        nvml: the library's bindings; None: the real ones.
        """
        self._nvml = nvml or watching._pynvml()
        self._nvml.nvmlInit()
        self._card = self._nvml.nvmlDeviceGetHandleByPciBusId(bus_address.encode())

    @property
    def description(self) -> str:
        """Card, driver, cores and versions, in one line."""
        cuda = self._nvml.nvmlSystemGetCudaDriverVersion()
        gib = self._nvml.nvmlDeviceGetMemoryInfo(self._card).total / (1 << 30)
        card = f"{_words(self._nvml.nvmlDeviceGetName(self._card))}, {gib:.0f} GiB"
        driver = f"driver {_words(self._nvml.nvmlSystemGetDriverVersion())}, CUDA {cuda // 1000}.{cuda % 1000 // 10}"
        packages = [f"{name} {found}" for name in PACKAGES if (found := _version(name))]
        python = f"Python {platform.python_version()}"
        return f"{card} ({driver}), {os.cpu_count()} cores of {_processor()}; {', '.join([python, *packages])}"

    def used_mib(self) -> int:
        """Of the card's memory, by whomever."""
        return int(self._nvml.nvmlDeviceGetMemoryInfo(self._card).used) >> 20

    def left_mib(self, before_mib: int, patience_seconds: float = CLEAN_SECONDS) -> int:
        """How much more than before is still in use when that has had time to come back; 0 if nothing to speak of."""
        end = time.monotonic() + patience_seconds
        while (left := self.used_mib() - before_mib) > CLEAN_MIB and time.monotonic() < end:
            time.sleep(0.2)
        return left if left > CLEAN_MIB else 0


def _words(told: str | bytes) -> str:
    return told.decode() if isinstance(told, bytes) else told


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
