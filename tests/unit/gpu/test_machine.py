"""What is told of a machine with a card."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tests.gpu.machine import Machine

MIB = 1 << 20
AT = "0000:1B:00.0"
"""Where CUDA's first card is plugged in: of those that are there it need not be the first."""


class Nvml:
    """The bindings, of a card whose memory is given back bit by bit."""

    def __init__(self, *used_mib: int) -> None:
        self._used = list(used_mib)

    def nvmlInit(self) -> None:  # noqa: N802  -- NVIDIA's name
        return

    def nvmlDeviceGetHandleByPciBusId(self, address: bytes) -> bytes:  # noqa: N802
        return address

    def nvmlDeviceGetName(self, card: bytes) -> bytes:  # noqa: N802
        return b"A card" if card == AT.encode() else b"Another's"

    def nvmlDeviceGetMemoryInfo(self, card: bytes) -> Any:  # noqa: N802
        used = self._used.pop(0) if len(self._used) > 1 else self._used[0]
        return SimpleNamespace(total=80 << 30, used=used * MIB)

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return "580.1"

    def nvmlSystemGetCudaDriverVersion(self) -> int:  # noqa: N802
        return 13000


def test_card_driver_cores_and_versions_are_told() -> None:
    told = Machine(AT, Nvml(0)).description
    assert told.startswith("A card, 80 GiB (driver 580.1, CUDA 13.0), ")
    assert " cores of " in told
    assert "numpy " in told


def test_memory_that_comes_back_is_waited_for() -> None:
    machine = Machine(AT, Nvml(500, 900, 900, 510))
    before = machine.used_mib()
    assert machine.left_mib(before) == 0


def test_memory_that_does_not_come_back_is_told() -> None:
    machine = Machine(AT, Nvml(500, 900))
    before = machine.used_mib()
    assert machine.left_mib(before, patience_seconds=0) == 400
