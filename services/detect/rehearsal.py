"""One model, run as detect runs it, in a process with bounds: `python -m services.detect.rehearsal FOLDER`."""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from services.detect.batching import Batches
from services.detect.engine import REFUSALS
from services.detect.models.registry import ModelEntry
from services.detect.models.rehearsing import ENTRY_FILE, MOST_BYTES, MOST_SECONDS
from services.detect.opening import open_model
from shared.model.errors import Misconfigured
from shared.model.offers import Role

if TYPE_CHECKING:
    from services.detect.contracts import Landmarker


def run(folder: Path) -> None:
    """Run the model that lies in `folder` with its line of the registry.

    Raises Misconfigured if it gives what is no landmarks, or cannot be run.
    """
    entry = msgspec.json.decode((folder / ENTRY_FILE).read_bytes(), type=ModelEntry)
    model = open_model(entry, folder)
    model.warm_up()
    if entry.role is Role.LANDMARKS:
        for count in range(1, Batches().most + 1):
            _locate(model, entry, count)  # type: ignore[arg-type]  # its role says what it is


def _locate(landmarker: Landmarker, entry: ModelEntry, count: int) -> None:
    """Ask for the landmarks of so many crops at once: of noise, for zeros hide what is multiplied by them."""
    side = entry.sizes_px[0]
    crops = np.random.default_rng(0).integers(0, 256, (count, side, side, 3), np.uint8)
    landmarks, presence = landmarker.locate(crops)
    if landmarks.shape != (count, entry.points, 3) or presence.shape != (count,):
        raise Misconfigured(f"For {count} crops at once it gives landmarks of {landmarks.shape}.")
    if not (np.isfinite(landmarks).all() and np.isfinite(presence).all()):
        raise Misconfigured("It gives numbers that are not finite.")


def _bound() -> None:
    for what, most in ((resource.RLIMIT_AS, MOST_BYTES), (resource.RLIMIT_CPU, int(MOST_SECONDS))):
        resource.setrlimit(what, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Exits with a sentence, and not 0, where the model is to be refused."""
    _bound()
    try:
        run(Path(sys.argv[1]))
    except MemoryError:
        sys.exit(f"It needs more than {MOST_BYTES >> 30} GiB of memory.")
    except (Misconfigured, *REFUSALS) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
