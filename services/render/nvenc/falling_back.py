"""A card's encoder for as long as it works, and the CPU's from the picture on that it fails at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.render.copies import on_host
from services.render.cuda.fetching import fetch, pinned
from services.render.nvenc.coder import NvencFailed
from services.render.surface import Surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.render.copies import Copy
    from services.render.cuda.fetching import Fetched
    from services.render.encoding.live import Coder
    from services.render.encoding.packets import EncodedPacket
    from shared.cuda.device import Device
    from shared.model.pictures import Picture


class FallingBack:
    """As `Coder`. Pictures are copied on the card for the first encoder, and go on being so for the second."""

    def __init__(
        self,
        first: Coder,
        second: Callable[[], Coder],
        bring: Callable[[Surface], Picture],
        tell: Callable[[str], None],
    ) -> None:
        """second: makes the CPU's. bring: takes a picture to the host. tell: is told, in a sentence, why."""
        self._coder, self._second, self._bring, self._tell = first, second, bring, tell

    @property
    def made_by(self) -> str:
        """As `Coder` says."""
        return self._coder.made_by

    @property
    def header(self) -> bytes:
        """As `Coder` says."""
        return self._coder.header

    def encode(self, picture: Copy, pts: int, duration: int, key: bool) -> list[EncodedPacket]:
        """As `Coder` says. The picture that the card's encoder fails at comes from the CPU's, as a key frame.

        Raises Rejected where that does not take such pictures.
        """
        if self._coder.made_by == "cpu":
            return self._coder.encode(self._here(picture), pts, duration, key)
        try:
            return self._coder.encode(picture, pts, duration, key)
        except NvencFailed as error:
            self._coder = self._second()
            self._tell(f"The card's encoder has failed: {error}.")
        return self._coder.encode(self._here(picture), pts, duration, True)

    def flush(self) -> list[EncodedPacket]:
        """As `Coder` says."""
        return self._coder.flush()

    def _here(self, picture: Copy) -> Picture:
        return self._bring(picture) if isinstance(picture, Surface) else on_host(picture)


class Bringing:
    """Takes pictures to the host, one at a time, by a device of its own: the session's is in another thread's hands."""

    def __init__(self, open_device: Callable[[], Device], fetched: Fetched) -> None:
        """open_device: on the same card; asked for one with the first picture. fetched: counts."""
        self._open, self._fetched = open_device, fetched
        self._device: Device | None = None
        self._here: Picture | None = None

    def __call__(self, surface: Surface) -> Picture:
        """As nv12 in pinned memory, which the next one is brought to, too."""
        if self._device is None or self._here is None:
            self._device = self._open()
            self._here = pinned(self._device, surface.picture)
        fetch(self._device, surface.picture, self._here, self._fetched)()
        return self._here
