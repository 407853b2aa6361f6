"""Assets: pictures and colour tables that a look refers to by id, as they are kept for drawing."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import msgspec
import numpy as np

from shared.model.errors import Malformed, Rejected
from shared.model.media import SNIFF_BYTES, MediaKind, sniff
from shared.model.parameters import ID_DIGITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_FRAMES: Final = 1024
MOST_PIXELS: Final = 1 << 26
"""Of all frames together; no setting allows more. 4 bytes each."""
MOST_LUT_SIZE: Final = 65
MOST_LUT_VALUE: Final = 65_504.0
"""The largest half-precision number (IEEE 754 binary16): no colour is beyond it."""
NARROWEST_DOMAIN: Final = 1e-6
"""Of a LUT: in less, float32 tells no colours apart."""
MOST_SIDE: Final = 16_384
"""Pixels of a picture's width or height: OpenCV reaches 32,766 samples."""
MOST_PREPARED_BYTES: Final = 4 * MOST_PIXELS + (1 << 16)
"""No prepared asset is larger."""
MOST_DURATION_MS: Final = 60_000

_ID = re.compile(rf"[0-9a-f]{{{ID_DIGITS}}}")
_CUBE_WORDS = (b"TITLE", b"DOMAIN_", b"LUT_1D_", b"LUT_3D_")
_BOM = b"\xef\xbb\xbf"
_Triple = tuple[float, float, float]


class AssetKind(StrEnum):
    """What an asset is."""

    PICTURE = "picture"
    LUT = "lut"


PICTURES: Final = frozenset({MediaKind.JPEG, MediaKind.PNG, MediaKind.WEBP, MediaKind.GIF})
"""The kinds of media that a picture may be uploaded as."""


class AssetFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an asset says of itself."""

    id: str
    kind: AssetKind
    width: int = 0
    """Pixels of the upright picture; 0 for a LUT."""
    height: int = 0
    """As width."""
    frames: int = 0
    """1 for a still; 0 for a LUT."""
    size: int = 0
    """Entries along one side of a LUT's cube; 0 for a picture."""


class PreparedPicture(msgspec.Struct, frozen=True, kw_only=True, tag="picture"):
    """An upright picture or animation: every frame whole, RGBA with straight alpha, 8 bits a sample (sRGB)."""

    width: int
    """Pixels."""
    height: int
    """Pixels."""
    frames: Annotated[tuple[bytes, ...], msgspec.Meta(max_length=MOST_FRAMES)]
    """Rows from the top, pixels from the left, R G B A: width * height * 4 bytes each; one frame for a still."""
    durations_ms: Annotated[tuple[int, ...], msgspec.Meta(max_length=MOST_FRAMES)]
    """How long each frame is shown; 0 for a still."""

    def __post_init__(self) -> None:
        """Raises ValueError for frames that are not what the other fields say."""
        count = len(self.frames)
        if self.width < 1 or self.height < 1 or not 1 <= count <= MOST_FRAMES or count != len(self.durations_ms):
            raise ValueError("a picture has a size, a frame or more, and a duration for each")
        if self.width * self.height * count > MOST_PIXELS:
            raise ValueError(f"a picture has at most {MOST_PIXELS} pixels in all frames")
        if any(len(frame) != 4 * self.width * self.height for frame in self.frames):
            raise ValueError("a frame has width * height * 4 bytes")
        if any(not (0 if count == 1 else 1) <= lasts <= MOST_DURATION_MS for lasts in self.durations_ms):
            raise ValueError(f"a frame of an animation is shown for 1..{MOST_DURATION_MS} ms")

    @property
    def pictures(self) -> tuple[NDArray[np.uint8], ...]:
        """All of them."""
        return tuple(map(self._view, self.frames))

    def picture(self, frame: int) -> NDArray[np.uint8]:
        """A read-only view [height, width, 4] of a frame, without a copy."""
        return self._view(self.frames[frame])

    def frame_at(self, milliseconds: float) -> int:
        """Which frame is shown so long after the beginning; an animation runs in a loop."""
        into = milliseconds % (sum(self.durations_ms) or 1)
        at = int(np.searchsorted(np.cumsum(self.durations_ms), into, side="right"))
        return min(at, len(self.frames) - 1)

    @property
    def size_bytes(self) -> int:
        """Memory that it takes."""
        return sum(map(len, self.frames))

    def facts(self, asset: str) -> AssetFacts:
        """What the asset of that id says of itself."""
        return AssetFacts(
            id=asset, kind=AssetKind.PICTURE, width=self.width, height=self.height, frames=len(self.frames)
        )

    def __repr__(self) -> str:
        return f"<PreparedPicture {self.width}x{self.height} {len(self.frames)} frames>"

    def _view(self, frame: bytes) -> NDArray[np.uint8]:
        return np.frombuffer(frame, np.uint8).reshape(self.height, self.width, 4)


class PreparedLut(msgspec.Struct, frozen=True, kw_only=True, tag="lut"):
    """A cube of colours: what each colour of the domain becomes; between the entries it is interpolated."""

    size: int
    """Entries along each side, 2..MOST_LUT_SIZE."""
    domain_min: _Triple = (0.0, 0.0, 0.0)
    """R, G, B of the first entry."""
    domain_max: _Triple = (1.0, 1.0, 1.0)
    """R, G, B of the last entry; each more than that of the first."""
    body: bytes
    """size ** 3 times R, G, B as little-endian float32; red of the input runs fastest, then green, then blue."""

    def __post_init__(self) -> None:
        """Raises ValueError for a body or a domain that is none."""
        if not 2 <= self.size <= MOST_LUT_SIZE or len(self.body) != 12 * self.size**3:
            raise ValueError(f"a LUT has 2..{MOST_LUT_SIZE} entries a side and 12 bytes an entry")
        if not (_bounded(np.array((self.domain_min, self.domain_max))) and _bounded(self.table)):
            raise ValueError(f"a LUT's numbers lie between -{MOST_LUT_VALUE:g} and {MOST_LUT_VALUE:g}")
        if not is_domain(self.domain_min, self.domain_max):
            raise ValueError("a LUT's domain begins before it ends")

    @property
    def table(self) -> NDArray[np.float32]:
        """A read-only view [blue, green, red, 3] of the entries (R, G, B): size entries along each of three axes."""
        return np.frombuffer(self.body, "<f4").reshape(self.size, self.size, self.size, 3)

    @property
    def size_bytes(self) -> int:
        """Memory that it takes."""
        return len(self.body)

    def facts(self, asset: str) -> AssetFacts:
        """What the asset of that id says of itself."""
        return AssetFacts(id=asset, kind=AssetKind.LUT, size=self.size)

    def __repr__(self) -> str:
        return f"<PreparedLut {self.size}x{self.size}x{self.size}>"


Prepared = PreparedPicture | PreparedLut
_encoder = msgspec.msgpack.Encoder()
_prepared: msgspec.msgpack.Decoder[Prepared] = msgspec.msgpack.Decoder(Prepared)


def pack(prepared: Prepared) -> bytes:
    """A prepared asset as it lies in the object store."""
    return _encoder.encode(prepared)


def unpack(body: bytes) -> Prepared:
    """The prepared asset in `body`. Takes no more memory than the body has. Raises Malformed for what is none."""
    try:
        return _prepared.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"{len(body)} bytes are no prepared asset: {error}.") from error


def asset_kind(head: bytes) -> AssetKind | None:
    """What the file is that begins with `head` (SNIFF_BYTES or the whole), or None for what no look could use.

    A `.cube` text is told by the first word of its first line that is neither empty nor a comment.
    """
    if sniff(head) in PICTURES:
        return AssetKind.PICTURE
    lines = (line.strip() for line in head[:SNIFF_BYTES].removeprefix(_BOM).splitlines())
    first = next((line for line in lines if line and not line.startswith(b"#")), b"")
    return AssetKind.LUT if first.startswith(_CUBE_WORDS) else None


def is_asset_id(text: str) -> bool:
    """True if `text` can be an asset's id, and therefore part of a key."""
    return _ID.fullmatch(text) is not None


def unknown_asset(name: str) -> Rejected:
    """What is said of an asset that is not there, and of what is no id at all."""
    shown = f"asset {name}" if is_asset_id(name) else f"such asset: an id has {ID_DIGITS} digits of 0-9 and a-f"
    return Rejected("unknown-asset", f"There is no {shown}; upload the file to /v1/assets.")


def asset_key(asset: str) -> str:
    """Where the prepared asset lies in the object store."""
    return f"{asset_folder(asset)}/prepared"


def facts_key(asset: str) -> str:
    """Where its facts lie (JSON); they are written last. Both are the asset: who finds only one finds none."""
    return f"{asset_folder(asset)}/facts.json"


def asset_folder(asset: str) -> str:
    """What every key of an asset begins with."""
    return f"assets/{asset}"


def upload_key(name: str) -> str:
    """Where an upload lies until it is prepared."""
    return f"asset-uploads/{name}"


def is_domain(low: Sequence[float], high: Sequence[float]) -> bool:
    """True if a LUT's domain begins before it ends, by NARROWEST_DOMAIN or more, in each of R, G and B."""
    return bool((np.subtract(high, low, dtype=np.float32) >= NARROWEST_DOMAIN).all())


def _bounded(numbers: NDArray[np.floating]) -> bool:
    """True if none is NaN, infinite or huge."""
    return bool((np.abs(numbers) <= MOST_LUT_VALUE).all())
