"""Which codecs a card's encoders are to be used for: another process tries them, once, at the start.

`python -m services.render.nvenc.probe NUMBER` says as JSON of each codec why not, or nothing.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

import av.logging
import msgspec

from services.render.nvenc.settings import QUANTISERS
from services.render.nvenc.trial import why_not
from shared.cuda.card import Card
from shared.model.errors import Misconfigured, VisavisError
from shared.model.live import LiveCodec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.cuda.device import Device

NO_NVENC: Final = "it has no NVENC"
UNSUPPORTED: Final = "unsupported device"
"""FFmpeg's words for NV_ENC_ERR_UNSUPPORTED_DEVICE, which NVENC's library answers for a card without engines (H200)."""
MODULE: Final = "services.render.nvenc.probe"
SECONDS: Final = 120.0
"""So long the other process may take; it imports CuPy, makes a CUDA context and opens some ten encoders."""


KILLED_SECONDS: Final = 5.0
"""So long its end is waited for when it was killed: what hangs in a driver may not die, and nobody waits for that."""


class Encoders(NamedTuple):
    """Those of a card, as they were found."""

    refused: Mapping[LiveCodec, str]
    """Why not, of each codec that cannot be had; half a sentence."""

    @classmethod
    def none(cls, reason: str) -> Encoders:
        """None can be used, for that reason."""
        return cls(dict.fromkeys(QUANTISERS, reason))

    @property
    def codecs(self) -> frozenset[LiveCodec]:
        """That NVENC is used for."""
        return frozenset(QUANTISERS) - self.refused.keys()

    @property
    def why_not(self) -> str:
        """What of them is not used and why, in a sentence; empty where nothing is to be said."""
        reasons = list(dict.fromkeys(self.refused.values()))
        if len(reasons) == 1 and not self.codecs:
            return f"The card's encoders are not used: {reasons[0]}."
        told = "; ".join(f"{codec}: {reason}" for codec, reason in self.refused.items())
        return f"Not all of the card's encoders are used: {told}." if told else ""


def wanted(nvenc: str, number: int | None) -> Encoders:
    """Those that are to be used by the setting `nvenc`, of the card of that number; None: nothing is drawn on one.

    Raises Misconfigured where jobs are to be encoded by them and cannot be.
    """
    if number is None:
        encoders = Encoders.none("nothing is drawn on a card here")
    elif nvenc == "never":
        encoders = Encoders.none("VISAVIS_NVENC is `never`")
    else:
        encoders = found(number)
    if nvenc == "always" and LiveCodec.H264 not in encoders.codecs:
        raise Misconfigured(f"VISAVIS_NVENC is `always`, and jobs cannot be encoded so. {encoders.why_not}")
    return encoders


def found(number: int, command: Sequence[str] = (sys.executable, "-m", MODULE)) -> Encoders:
    """What the card's encoders can be used for; takes some seconds where it has any.

    command: what tries them; it is given the number. A process of its own: nobody knows what a driver does that has
    never been seen here, and a worker that dies of it at its start would die again.
    """
    try:
        told = _answer([*command, str(number)])
    except (OSError, subprocess.TimeoutExpired) as error:
        return Encoders.none(f"what tries its encoders did not answer ({error})")
    if told.returncode:
        said = told.stderr.decode(errors="replace").strip().splitlines()
        return Encoders.none(
            f"what tries its encoders ended with {told.returncode} ({said[-1] if said else 'no word'})"
        )
    # Drivers and libraries may have said something before and after.
    last = b"".join([line for line in told.stdout.splitlines() if line.startswith(b"{")][-1:])
    try:
        return Encoders(msgspec.json.decode(last, type=dict[LiveCodec, str]))
    except msgspec.MsgspecError as error:
        return Encoders.none(f"what tries its encoders said what cannot be read ({error})")


def _answer(command: Sequence[str]) -> subprocess.CompletedProcess[bytes]:
    """Raises OSError, or TimeoutExpired after SECONDS, when it was killed, whether it is dead or not."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603  -- our own words
    try:
        said, complained = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        with suppress(subprocess.TimeoutExpired):
            process.wait(KILLED_SECONDS)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        raise
    return subprocess.CompletedProcess(command, process.returncode, said, complained)


def main(number: str) -> None:
    """Say of each codec that cannot be used why. Raises SystemExit with the reason where there is no card."""
    av.logging.set_level(av.logging.ERROR)  # errors then carry what FFmpeg says of them
    try:
        device = Card(int(number))
    except VisavisError as error:
        raise SystemExit(str(error)) from error
    sys.stdout.buffer.write(b"\n" + msgspec.json.encode(refused_by(device)) + b"\n")


def refused_by(device: Device) -> dict[LiveCodec, str]:
    """Why not, of each codec that a card's encoders cannot be used for: what it has failed in the trial by."""
    reasons = {codec: why_not(codec, device) for codec in QUANTISERS}
    refused = {codec: reason for codec, reason in reasons.items() if reason}
    is_without = len(refused) == len(QUANTISERS) and all(UNSUPPORTED in reason for reason in refused.values())
    return dict.fromkeys(refused, NO_NVENC) if is_without else refused


if __name__ == "__main__":
    main(*sys.argv[1:])
