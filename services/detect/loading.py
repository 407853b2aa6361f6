"""From settings to finders that are ready: what runs the models, all of them opened, each run once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from services.detect.choosing import Finders
from services.detect.engine import why_not
from services.detect.opening import open_models
from services.detect.providers import COMPILED, provision
from shared.model.offers import ModelChoice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.detect.settings import DetectSettings
    from shared.cuda.device import Device


class Loaded(NamedTuple):
    """Finders, and what is to be said of how they run."""

    finders: Finders
    provider: str
    """What runs the models, in a word."""
    passed_over: tuple[str, ...]
    """Sentences about providers that were wanted and are not there."""


def load(settings: DetectSettings, devices: Sequence[Device] = ()) -> Loaded:
    """Every model of the settings' folder, opened; `Finders.warm_up` is still to be called.

    devices: cards that frames may lie on, one for each thread that looks at them.

    Raises Misconfigured, with what to do, for models or providers that cannot be had.
    """
    folder, threads = settings.models.expanduser(), settings.detect_threads
    card = settings.card_number or 0
    wanted = settings.providers or ("cuda,cpu" if devices else "cpu")
    chosen = provision(wanted, why_not, threads=threads, cache=folder / COMPILED, card=card)
    finders = Finders(
        open_models(folder, threads=threads, providers=chosen.entries, devices=devices),
        ModelChoice(detector=settings.detector, landmarks=settings.landmarks),
        max_faces=settings.max_faces,
        batches=chosen.batches,
    )
    return Loaded(finders, chosen.word, tuple(chosen.passed_over))
