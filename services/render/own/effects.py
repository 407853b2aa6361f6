"""The effects of others that a render worker has."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from shared.model.errors import Rejected
from shared.model.parameters import rgb_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.faces import Layout
    from shared.model.looks import Look
    from shared.model.own_effects import EffectOffer, OwnValues, ParameterOffer
    from visavis.effects import Effect

AMOUNT = "amount"
"""The number that stands for the whole effect: at 0 nothing is drawn."""


@dataclass(frozen=True, slots=True)
class OwnEffect:
    """One effect of somebody's own."""

    effect: Effect
    offer: EffectOffer
    source: str
    """The file or package that it came from."""

    def draws(self, values: OwnValues) -> bool:
        """False where its amount is 0."""
        has_amount = any(one.name == AMOUNT and one.kind == "number" for one in self.offer.parameters)
        return not has_amount or bool(values.get(AMOUNT, True))

    def arguments(self, values: OwnValues) -> dict[str, Any]:
        """The values of a look, or else the defaults, as the author's function takes them: colours as float32 [3]."""
        return {one.name: _argument(one, values.get(one.name, one.default)) for one in self.offer.parameters}


def _argument(parameter: ParameterOffer, value: float | bool | str) -> Any:
    return np.array(rgb_of(str(value)), np.float32) if parameter.kind == "color" else value


@dataclass(frozen=True, slots=True)
class OwnEffects:
    """All of them, by name."""

    by_name: Mapping[str, OwnEffect] = field(default_factory=dict)

    @property
    def offers(self) -> tuple[EffectOffer, ...]:
        """What is told of them."""
        return tuple(one.offer for one in self.by_name.values())

    def refuse_unknown(self, look: Look) -> None:
        """Raise Rejected (`invalid-look`) where a look wants what is not here, or is otherwise here.

        The gateway lets pass what any worker has; lanes should have the same, and may not.
        """
        for name, values in look.own.items():
            if name not in self.by_name:
                names = ", ".join(self.by_name) or "none"
                raise Rejected(
                    "invalid-look", f"The lane that took this has no effect {name!r} of your own; it has: {names}."
                )
            try:
                self.by_name[name].offer.checked(msgspec.json.encode(values))
            except msgspec.ValidationError as error:
                raise Rejected("invalid-look", f"The look is not valid in the lane that took it: {error}.") from error

    def refuse_unsupported(self, look: Look, layout: Layout) -> None:
        """Raise Rejected (`unsupported-look`) for an effect that is not made for faces of this layout."""
        for name in look.own:
            layouts = self.by_name[name].effect.layouts
            if layout not in layouts:
                enough = " or ".join(str(int(other)) for other in layouts)
                raise Rejected(
                    "unsupported-look",
                    f"{name} cannot be drawn on faces of {int(layout)} points: choose a landmark model of {enough} "
                    "points, or leave the effect out.",
                )


NONE = OwnEffects()
