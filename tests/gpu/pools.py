"""What a stage of the bench reads from and writes to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.memory.card_reader import CardReader

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from shared.cuda.device import Device
    from shared.memory.card_memory import CardMemory
    from shared.model.frames import CapturedFrame, FrameReference


class Pools:
    """The pools of all sources, to be read by one process."""

    def __init__(self, make: Callable[[Path], CardMemory], paths: Sequence[Path], name: str) -> None:
        memory = make(paths[0].parent)
        self._readers = [CardReader(path, name, memory) for path in paths]
        for reader in self._readers:
            reader.open()
        self._by_epoch = {reader.epoch: reader for reader in self._readers}
        self.rows = [reader.row for reader in self._readers]

    def read(self, reference: FrameReference, device: Device | None) -> Any:
        """As `LaneReader.read`."""
        assert device is not None
        return self._by_epoch[reference.epoch].read(reference, device)

    def release(self, reference: FrameReference) -> None:
        """As `LaneReader.release`."""
        self._by_epoch[reference.epoch].release(reference)

    def close(self) -> None:
        for reader in self._readers:
            reader.close()


class Left:
    """A sink whose frames stay where they were drawn."""

    wants_picture, wants_faces, keeps_alpha = True, False, False

    def write(self, picture: Any, frame: CapturedFrame, faces: Any) -> None:
        return

    def abort(self) -> None:
        return
