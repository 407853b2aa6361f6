"""What runs in a lane's card decoder: one thread a stream, one decoder each, frames into one pool.

    python -m services.ingest.cuda.process CONTROL_FD PARENT POOL_PATH CARD LIMITS_JSON

It takes what hostile files hold to the card's own decoders. It has no credentials and no network, and dies with ingest.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
import threading
import traceback
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from services.ingest import confinement
from services.ingest.cuda.live import serve_live
from services.ingest.cuda.messages import CANNOT, CardReady, CardUnusable, StreamEnded, pack, unpack_opening
from services.ingest.cuda.stream import CardStream, told
from services.ingest.cuda.talk import StreamTalk
from services.ingest.limits import IngestLimits
from services.ingest.messages.decoder import Refused
from shared.model.errors import VisavisError

if TYPE_CHECKING:
    from collections.abc import Callable

    from services.ingest.cuda.decoder import CardDecoder
    from services.ingest.cuda.messages import OpenStream
    from services.ingest.cuda.stream import CardSlots
    from shared.cuda.device import Device

_MOST_CONTROL_BYTES = 65_536


class CardProcess:
    """Takes streams until ingest hangs up."""

    def __init__(
        self,
        control: socket.socket,
        slots: CardSlots,
        make: Callable[[OpenStream], tuple[CardDecoder, Device]],
        limits: IngestLimits,
        give_up: Callable[[], None] = lambda: os._exit(1),
    ) -> None:
        """make: a decoder for a stream, with the device that its work is done by. Raises CardRefused.

        give_up: called when the card does no work any more: what broke the context is told to every stream that shares
        it, until a new process makes another.
        """
        self._control, self._slots, self._make, self._limits = control, slots, make, limits
        self._give_up = give_up
        self._saying = threading.Lock()

    def run(self, ready: CardReady) -> None:
        """Say what the card decodes, then serve."""
        self._say(ready)
        while True:
            packet, fds, _, _ = socket.recv_fds(self._control, _MOST_CONTROL_BYTES, 2)
            if not packet:
                return
            opening = unpack_opening(packet)
            ingest, source = (socket.socket(fileno=fd) for fd in fds)
            ingest.settimeout(None)
            # Less than ingest waits for this process: who stands still is the child then.
            talk = StreamTalk(ingest, source, self._limits.decoder_stall_seconds / 2)
            threading.Thread(target=self._serve, args=(opening, talk), daemon=True).start()

    def _serve(self, opening: OpenStream, talk: StreamTalk) -> None:
        try:
            decoder, device = self._make(opening)
            try:
                told(talk, self._run(opening, talk, (decoder, device, self._slots)))
            finally:
                self._end(decoder, device)
        except Exception as error:  # noqa: BLE001  -- a stream's last frame: the others go on
            if not isinstance(error, VisavisError):
                traceback.print_exc()
            talk.tell(Refused(CANNOT, str(error)))
            talk.wait()
        finally:
            talk.close()
            with contextlib.suppress(OSError):  # ingest is gone
                self._say(StreamEnded(opening.token))

    def _end(self, decoder: CardDecoder, device: Device) -> None:
        """From here on nothing is written into the stream's slots."""
        try:
            device.synchronize()
            decoder.close()
        except Exception:  # noqa: BLE001  -- CuPy's and the driver's own
            traceback.print_exc()
            self._give_up()

    def _run(
        self, opening: OpenStream, talk: StreamTalk, card: tuple[CardDecoder, Device, CardSlots]
    ) -> Callable[[], None]:
        if opening.live is None:
            return CardStream(opening, talk, card, self._limits).run
        return partial(serve_live, opening, opening.live, talk, card)

    def _say(self, report: CardReady | CardUnusable | StreamEnded) -> None:
        with self._saying:
            self._control.send(pack(report))


def confine(parent: int) -> str:
    """Take from this process what it has no use for; answers whether it can reach a network, in words for a log.

    To be called before it has a second thread.

    Its address space and its files cannot be bounded: CUDA maps as much as all cards have, and opens devices.
    """
    confinement.die_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; ingest decides
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Path("/proc/self/oom_score_adj").write_text("1000", "ascii")
    return confinement.leave_network()


def main(arguments: list[str]) -> None:
    """Run as the module's docstring says."""
    control = socket.socket(fileno=int(arguments[0]))
    network = confine(int(arguments[1]))
    path, number = Path(arguments[2]), int(arguments[3])
    limits = msgspec.json.decode(arguments[4], type=IngestLimits)
    # Only now: CUDA and its libraries start threads.
    from services.ingest.cuda.nvdec import Nvdec, capabilities  # noqa: PLC0415
    from shared.cuda.card import Card  # noqa: PLC0415
    from shared.memory.card_memory import CudaMemory  # noqa: PLC0415
    from shared.memory.card_writer import CardWriter  # noqa: PLC0415

    def make(opening: OpenStream) -> tuple[CardDecoder, Device]:
        card = Card(number)
        return Nvdec(card, opening.coded.codec, is_live=opening.live is not None), card

    try:
        ranges, engines = capabilities(number)
        writer = CardWriter(path, CudaMemory(number))
    except VisavisError as error:
        control.send(pack(CardUnusable(str(error))))
        return
    try:
        CardProcess(control, writer, make, limits).run(CardReady(ranges, engines, network))
    finally:
        os._exit(0)  # threads may still be in the driver, which does not bear an interpreter that ends


if __name__ == "__main__":
    main(sys.argv[1:])
