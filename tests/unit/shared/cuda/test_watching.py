from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from shared.cuda.card import Card
from shared.cuda.watching import CardWatch
from shared.model.errors import Misconfigured
from shared.model.sessions import CardUse
from tests.cuda.devices import MISSING


class Nvml:
    """The bindings of a machine with one card."""

    class NVMLError(Exception):
        pass

    def __init__(self, *, is_part: bool = False, is_there: bool = True) -> None:
        self.is_part, self.is_there, self.users = is_part, is_there, 0

    def nvmlInit(self) -> None:  # noqa: N802  -- as they are called
        if not self.is_there:
            raise self.NVMLError("NVML Shared Library Not Found")
        self.users += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.users -= 1

    def nvmlDeviceGetHandleByPciBusId(self, address: bytes) -> str:  # noqa: N802
        if address != b"0000:1B:00.0":
            raise self.NVMLError("Not Found")
        return "card"

    def nvmlDeviceGetMemoryInfo(self, card: str) -> Any:  # noqa: N802
        return SimpleNamespace(used=3 << 30, total=80 << 30)

    def nvmlDeviceGetUtilizationRates(self, card: str) -> Any:  # noqa: N802
        if self.is_part:
            raise self.NVMLError("Not Supported")
        return SimpleNamespace(gpu=61, memory=20)

    def nvmlDeviceGetDecoderUtilization(self, card: str) -> list[int]:  # noqa: N802
        if self.is_part:
            raise self.NVMLError("Not Supported")
        return [44, 167_000]

    def nvmlDeviceGetEncoderUtilization(self, card: str) -> list[int]:  # noqa: N802
        raise self.NVMLError("Not Supported")


def test_the_use_of_kernels_decoders_and_memory_is_told() -> None:
    nvml = Nvml()
    watch = CardWatch("0000:1B:00.0", nvml)
    assert watch.use() == CardUse(
        kernels_percent=61, decoder_percent=44, memory_used_bytes=3 << 30, memory_bytes=80 << 30
    )
    watch.close()
    assert nvml.users == 0


def test_what_a_card_does_not_tell_is_left_out() -> None:
    use = CardWatch("0000:1B:00.0", Nvml(is_part=True)).use()
    assert use == CardUse(memory_used_bytes=3 << 30, memory_bytes=80 << 30)


def test_without_library_or_card_the_reason_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Misconfigured, match="Not Found"):
        CardWatch("0000:1B:00.0", Nvml(is_there=False))
    with pytest.raises(Misconfigured, match=r"0000:2B:00\.0 is not known"):
        CardWatch("0000:2B:00.0", Nvml())
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(Misconfigured, match="nvidia-ml-py is not installed"):
        CardWatch("0000:1B:00.0")


@pytest.mark.gpu
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
def test_a_real_card_tells_its_use() -> None:
    use = CardWatch(Card().bus_address).use()
    assert 0 < (use.memory_used_bytes or 0) < (use.memory_bytes or 0)
