"""What a request must pass before anything is done for it: looks and models that can be served."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.gateway.offers import refuse_unservable
from shared.model.needs import refuse_opaque

if TYPE_CHECKING:
    from services.gateway.assets.desk import AssetDesk
    from shared.model.looks import Look
    from shared.model.offers import ModelChoice
    from shared.runtime.presence import Presence


@dataclass(frozen=True, slots=True)
class Admission:
    """Knows what the workers offer and which assets there are."""

    presence: Presence
    assets: AssetDesk

    async def check(self, look: Look, models: ModelChoice, *, keeps_alpha: bool, may_wait: bool = False) -> None:
        """Let pass what can be drawn; look: an empty one where nothing is.

        keeps_alpha: whether the result can be transparent; may_wait: that no lane is warm just now is no reason to
        refuse. Raises Rejected `unsupported-look` or `unknown-asset`, Refusal `unknown-model` or `unavailable`.
        """
        refuse_opaque(look, keeps_alpha=keeps_alpha)
        offers = self.presence.offers()
        if offers or not may_wait:
            refuse_unservable(offers, models, look)
        await self.assets.refuse_missing(look.asset_ids)
