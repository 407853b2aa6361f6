"""How sessions come by their frames: from the host's memory, or by a device of their own from a card's."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from services.render.copies import HostCopies
from services.render.cuda.easel import CardEasel
from services.render.cuda.fetching import CardCopies, Fetched
from services.render.cuda.surface_copies import SurfaceCopies
from services.render.easel import HostEasel
from services.render.encoding.live import LiveEncoder
from services.render.nvenc.coder import NvencFailed
from services.render.nvenc.settings import is_for_x264
from shared.memory.layout import is_on_card
from shared.model.errors import FrameLost, Misconfigured, Unavailable
from shared.model.pictures import PixelFormat

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from services.render.copies import Copies, Frame
    from services.render.easel import Easel
    from services.render.nvenc.encoders import CardEncoders
    from shared.cuda.device import Device
    from shared.cuda.pictures import CardPicture
    from shared.memory.lane_reader import LaneReader
    from shared.model.frames import FrameReference
    from shared.model.live import LiveOutput
    from shared.model.media import VideoFacts


class NoDevice(Unavailable):
    """The card could not be opened for a session; a sentence says why."""


class Devices(NamedTuple):
    """What one session has of a card: two streams of work."""

    drawing: Device
    copying: Device
    """By which frames are read: a slot is given up when that is done, while the frame before is still drawn."""


class Reading:
    """The frames of one session, which all lie in one pool, and what they are drawn and copied by."""

    def __init__(
        self,
        reader: LaneReader,
        devices: Devices | None,
        tell: Callable[[str], None],
        encoders: CardEncoders | None = None,
        take: Callable[[], Devices] | None = None,
    ) -> None:
        """devices: None where they lie on the host. tell: is told, once each, why a look is not drawn on the card.

        encoders: of the card; None: the CPU encodes. take: gives devices to encode on to who has none; as
        `LaneFrames.begin` raises. None: there is no card.
        """
        self._reader, self._encoders, self._take = reader, encoders, take
        self.devices = devices
        self.encoding: Devices | None = None
        """Where the frames lie on the host and are encoded on the card: what they are taken there by."""
        self.fetched = Fetched()
        """What of the session's pixels came from the card; nothing where they lie on the host."""
        self.easel: Easel = HostEasel()
        self.copies: Copies = HostCopies()
        self._is_drawn: Callable[[CardPicture], bool] = lambda _: True
        if devices is not None:
            self.easel = easel = CardEasel(devices.drawing, self.fetched, tell, devices.copying)
            self.copies = CardCopies(devices.drawing, self.fetched, devices.copying, easel.is_own)
            self._is_drawn = easel.is_own

    def as_copied(self, facts: VideoFacts) -> VideoFacts:
        """The same of frames as `copies` gives them to an encoder."""
        return facts if self.devices is None else facts.laid_out(PixelFormat.NV12)

    def live_encoder(
        self, facts: VideoFacts, output: LiveOutput, threads: int, tell: Callable[[str], None]
    ) -> LiveEncoder:
        """Of the session's pictures, before the first one: by the card's encoders where it can be, else by the CPU's.

        It is given what `copies` makes from here on. It may take a moment. threads: of the CPU's. tell: is told, in a
        sentence, why the CPU encodes though the card has encoders for it. Raises Rejected as `LiveEncoder` does.
        """
        copied = self.as_copied(facts)
        if self.devices is None or self._encoders is None or output.codec not in self._encoders.codecs:
            return LiveEncoder(copied, output, threads)
        drawing, copying = self.devices
        try:
            coder = self._encoders.coder(copied, output, threads, drawing, self.fetched, tell)
        except NvencFailed as error:
            tell(f"The card has no encoder for it: {error}.")
            return LiveEncoder(copied, output, threads)
        self.copies = SurfaceCopies(drawing, copying, self._is_drawn)
        return LiveEncoder(copied, output, threads, coder=coder)

    def job_encoder(self, facts: VideoFacts, crf: float) -> LiveEncoder | None:
        """As `live_encoder`, of a part of a video, where jobs are encoded by the card, wherever their frames lie.

        None: the CPU's is used, as it is in every lane for what NVENC does not encode. crf: x264's number.
        Raises NvencFailed where the card has none for it now, and NoDevice.
        """
        if self._encoders is None or not self._encoders.jobs or is_for_x264(facts):
            return None
        if self.devices is None and self._take is not None:
            self.encoding = self._take()
        devices = self.devices or self.encoding
        if devices is None:
            raise NoDevice("This worker has no card to encode a job on.")
        drawing, copying = devices
        encoder = self._encoders.job_encoder(facts.laid_out(PixelFormat.NV12), crf, drawing)
        self.copies = SurfaceCopies(drawing, copying, self._is_drawn)
        return encoder

    @property
    def uses_card(self) -> bool:
        """Whether anything of the session is done on a card."""
        return self.devices is not None or self.encoding is not None

    def is_lost(self) -> bool:
        """Whether the card has failed, for this process: nothing can be drawn or encoded there any more."""
        return not all(device.works() for devices in (self.devices, self.encoding) for device in devices or ())

    def read(self, reference: FrameReference) -> AbstractContextManager[Frame]:
        """As `FrameSource` says."""
        return self._reader.read(reference, None if self.devices is None else self.devices.copying)

    def release(self, reference: FrameReference) -> None:
        """As `FrameSource` says."""
        self._reader.release(reference)


class LaneFrames:
    """The frames of the lane, as the sessions of one worker read them."""

    def __init__(
        self,
        reader: LaneReader,
        open_device: Callable[[], Device] | None = None,
        encoders: CardEncoders | None = None,
    ) -> None:
        """open_device: a new one on the lane's card; None where there is no card. encoders: of the card, if any."""
        self._reader, self._open, self._encoders = reader, open_device, encoders
        self._idle: list[Devices] = []

    def follow(self, epoch: int) -> int:
        """The worker's row in the pool of that epoch. Raises FrameLost where it cannot be read."""
        return self._reader.follow(epoch)

    def begin(self, epoch: int, tell: Callable[[str], None]) -> Reading:
        """For a session whose frames are of that epoch; to be ended by `end`. tell: as `Reading` has it.

        Raises FrameLost where they lie on a card and there is none here, NoDevice where it cannot be opened now.
        """
        devices = self._devices() if is_on_card(epoch) else None
        return Reading(self._reader, devices, tell, self._encoders, self._devices)

    def end(self, reading: Reading) -> None:
        """Nothing is read or drawn by it any more; what its devices were told comes before all that follows."""
        self._idle.extend(devices for devices in (reading.devices, reading.encoding) if devices is not None)
        reading.devices = reading.encoding = None

    def release(self, reference: FrameReference) -> None:
        """Nothing comes of that frame."""
        self._reader.release(reference)

    def _devices(self) -> Devices:
        """From any thread."""
        with suppress(IndexError):
            return self._idle.pop()
        if self._open is None:
            raise FrameLost("The session's frames lie on a card, and this worker has none.")
        try:
            return Devices(self._open(), self._open())
        except (Misconfigured, MemoryError, RuntimeError) as error:  # CuPy's own are a MemoryError and RuntimeErrors
            reason = str(error).strip() or type(error).__name__
            raise NoDevice(f"The card cannot be opened for a session now: {reason}") from error
