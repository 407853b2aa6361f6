"""How busy a card is, by NVIDIA's management library: the one module that imports its bindings."""

from __future__ import annotations

from typing import Any

from shared.model.errors import Misconfigured
from shared.model.sessions import CardUse


class CardWatch:
    """Looks at one card, whoever makes it work."""

    def __init__(self, bus_address: str, nvml: Any = None) -> None:
        """bus_address: `Card.bus_address`. nvml: the bindings; None: the real ones.

        Raises Misconfigured where the library or the card is not to be had.
        """
        try:
            self._nvml = nvml or _pynvml()
        except ImportError as error:
            raise Misconfigured("The use of the card is not known: nvidia-ml-py is not installed.") from error
        try:
            self._nvml.nvmlInit()
            self._card = self._nvml.nvmlDeviceGetHandleByPciBusId(bus_address.encode())
        except self._nvml.NVMLError as error:
            raise Misconfigured(f"The use of the card at {bus_address} is not known: {error}.") from error

    def use(self) -> CardUse:
        """Over the last moments. Takes some milliseconds; what a card does not tell is left out."""
        memory = self._asked(self._nvml.nvmlDeviceGetMemoryInfo)
        rates = self._asked(self._nvml.nvmlDeviceGetUtilizationRates)
        decoder = self._asked(self._nvml.nvmlDeviceGetDecoderUtilization)
        encoder = self._asked(self._nvml.nvmlDeviceGetEncoderUtilization)
        return CardUse(
            kernels_percent=None if rates is None else int(rates.gpu),
            decoder_percent=None if decoder is None else int(decoder[0]),
            encoder_percent=None if encoder is None else int(encoder[0]),
            memory_used_bytes=None if memory is None else int(memory.used),
            memory_bytes=None if memory is None else int(memory.total),
        )

    def close(self) -> None:
        """Let go of the library."""
        self._nvml.nvmlShutdown()

    def _asked(self, ask: Any) -> Any:
        """What the card answers; None where it does not know, as with parts of a card (MIG)."""
        try:
            return ask(self._card)
        except self._nvml.NVMLError:
            return None


def _pynvml() -> Any:
    """The bindings: only where there is a card. Raises ImportError."""
    import pynvml  # noqa: PLC0415

    return pynvml
