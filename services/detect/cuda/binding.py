"""One model on one device's stream: fed from the card's memory, and what it gives is left there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from services.detect.cuda.pictures import CardPixels
    from shared.cuda.device import Device, DeviceArray

    Shapes = Mapping[str, Sequence[int]]

_ALIGNED = 256
"""Bytes that outputs begin at multiples of, as cudaMalloc's own memory does."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a run gave, in the card's memory: good until the next run of the same model on the same device."""

    device: Device
    memory: DeviceArray
    """uint8, all of it one after the other."""
    places: Mapping[str, tuple[int, tuple[int, ...], np.dtype[Any]]]
    """Where each lies: its first byte, shape and type."""

    @classmethod
    def of(cls, device: Device, shapes: Shapes, types: Mapping[str, np.dtype[Any]]) -> Outputs:
        """New memory for outputs of these shapes and types."""
        places, start = {}, 0
        for name, shape in shapes.items():
            places[name] = (start, tuple(shape), types[name])
            start += -(-int(np.prod(shape)) * types[name].itemsize // _ALIGNED) * _ALIGNED
        return cls(device, device.empty((start,), np.uint8), places)

    def __getitem__(self, name: str) -> DeviceArray:
        return self._cut(self.memory, name)

    def downloaded(self) -> dict[str, NDArray[Any]]:
        """Copies of all in the host's memory, by one transfer; waits for all that the device was told before."""
        host = self.device.download(self.memory)
        return {name: self._cut(host, name) for name in self.places}

    def _cut(self, memory: Any, name: str) -> Any:
        start, shape, kind = self.places[name]
        return memory[start : start + int(np.prod(shape)) * kind.itemsize].view(kind).reshape(shape)


@dataclass(frozen=True, slots=True)
class _Held:
    """Memory that a recorded run reads and writes."""

    image: DeviceArray
    outputs: Outputs
    session: Any
    """Whose weights and scratch memory the recording names."""
    play: Callable[[], None]


class BoundModel:
    """A session whose work goes to a device's stream. For the thread that has the device in its hands."""

    def __init__(self, open_session: Callable[[], Any], device: Device, options: Any) -> None:
        """open_session: opens ONNX Runtime's on the device's stream; options: of its runs, which do not wait for it."""
        self._open_session = open_session
        self._session = session = open_session()
        self._device = device
        self._options = options
        self._types = {one.name: DTYPES[one.type] for one in session.get_outputs()}
        self._held: dict[tuple[int, ...], _Held] = {}
        self._planned: dict[tuple[int, ...], Any] = {}

    def run(self, inputs: Mapping[str, NDArray[Any] | CardPixels]) -> dict[str, NDArray[Any]]:
        """All outputs by name, on the host, whatever their shapes are."""
        binding = self._session.io_binding()
        for name, value in inputs.items():
            if isinstance(value, np.ndarray):
                binding.bind_cpu_input(name, value)
            else:
                self._bind_input(binding, name, value.array)
        for name in self._types:
            binding.bind_output(name)
        self._session.run_with_iobinding(binding, self._options)
        self._device.synchronize()
        return dict(zip(self._types, binding.copy_outputs_to_cpu(), strict=True))

    def run_into(self, pixels: CardPixels, shapes: Shapes) -> Outputs:
        """Outputs of these shapes for a model of one input; nothing is waited for."""
        held = self._held.get(pixels.shape)
        if held is None:
            outputs = Outputs.of(self._device, shapes, self._types)
            self._step(self._session, pixels.array, outputs)()
            return outputs
        self._device.copy(pixels.array, held.image)
        held.play()
        return held.outputs

    def plan(self, image: Sequence[int]) -> None:
        """Open a session for images of this shape alone and have it choose its kernels, which takes seconds.

        For several threads at once, while nothing else is done by the device.
        """
        session = self._open_session()
        [source] = session.get_inputs()
        session.run(None, {source.name: np.zeros(tuple(image), DTYPES[source.type])})
        self._planned[tuple(image)] = session

    def hold(self, pixels: CardPixels, shapes: Shapes) -> None:
        """Keep memory for runs on pixels of this shape, and play what is recorded now, if that is all of them."""
        image = self._device.empty(pixels.shape, np.uint8)
        self._device.copy(pixels.array, image)
        outputs = Outputs.of(self._device, shapes, self._types)
        # In a session that sees no other shape: for a new one it would let go of what a recording still uses.
        session = self._planned.pop(pixels.shape, None) or self._open_session()
        step = self._step(session, image, outputs)
        step()  # what it allocates and chooses once is done when it is recorded
        expected = outputs.downloaded()
        play = self._device.recorded(step)
        self._device.copy(self._device.upload(np.zeros(outputs.memory.shape, np.uint8)), outputs.memory)
        play()
        # What did not go by the device's stream was not recorded.
        is_whole = all(np.allclose(found, expected[name], 1e-3, 1e-3) for name, found in outputs.downloaded().items())
        self._held[pixels.shape] = _Held(image, outputs, session, play if is_whole else step)

    def _step(self, session: Any, image: DeviceArray, outputs: Outputs) -> Callable[[], None]:
        """A run that reads and writes this memory."""
        binding = session.io_binding()
        [source] = session.get_inputs()
        self._bind_input(binding, source.name, image)
        for name, (_, shape, kind) in outputs.places.items():
            where = self._device.address(outputs[name])
            binding.bind_output(name, self._device.memory, self._device.number, kind, list(shape), where)
        return partial(session.run_with_iobinding, binding, self._options)

    def _bind_input(self, binding: Any, name: str, array: DeviceArray) -> None:
        where = self._device.address(array)
        binding.bind_input(name, self._device.memory, self._device.number, array.dtype, list(array.shape), where)


DTYPES: Mapping[str, np.dtype[Any]] = {"tensor(uint8)": np.dtype(np.uint8), "tensor(float)": np.dtype(np.float32)}
"""NumPy's types of the inputs and outputs that prepared models have, by ONNX Runtime's names."""
