"""Reads looks with the effects that the warm lanes have beside those of Visavis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.gateway.look_messages import look_of_message
from services.gateway.problems import RETRY_SECONDS, Refusal
from shared.model.foreign_effects import check_look
from shared.model.look_text import parse_look

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.looks import Look
    from shared.runtime.presence import Presence
    from visavis.v1 import looks_pb2


def parse_known(text: str, presence: Presence) -> Look:
    """A look from a preset's name or a JSON object.

    Raises Rejected (`invalid-look`), and Refusal `unavailable` for effects that Visavis has not itself as long as no
    lane is warm.
    """
    if not presence.warm_lanes():
        _refuse_unheard(check_look(text).own, presence)
    return parse_look(text, presence.effects())


def message_known(message: looks_pb2.Look, presence: Presence) -> Look:
    """A look of the RPC contract. Raises as parse_known."""
    if not presence.warm_lanes():
        _refuse_unheard(message.own.fields, presence)
    return look_of_message(message, presence.effects())


def _refuse_unheard(names: Iterable[str], presence: Presence) -> None:
    unheard = set(names) - {offer.name for offer in presence.effects()}
    if unheard:
        detail = f"No lane is warm, so that it is not known whether there is an effect {', '.join(sorted(unheard))}."
        raise Refusal("unavailable", detail, headers={"Retry-After": f"{RETRY_SECONDS:.0f}"})
