"""Requests that can be served pass, and all others are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from services.gateway.problems import Refusal
from shared.model.effects import Background, Grade
from shared.model.errors import Rejected
from shared.model.looks import Look
from shared.model.offers import ModelChoice

if TYPE_CHECKING:
    from services.gateway.parts import Parts

NAMED = ModelChoice(detector="blazeface")


@pytest.mark.usefixtures("warm")
async def test_what_can_be_drawn_passes(parts: Parts) -> None:
    await parts.admission.check(Look(smooth=1), ModelChoice(), keeps_alpha=False)
    await parts.admission.check(Look(background=Background(kind="transparent")), ModelChoice(), keeps_alpha=True)


@pytest.mark.usefixtures("warm")
@pytest.mark.parametrize(
    ("look", "models", "code"),
    [
        (Look(background=Background(kind="transparent")), ModelChoice(), "unsupported-look"),
        (Look(), ModelChoice(detector="ours"), "unknown-model"),
        (Look(grade=Grade(asset="f" * 32)), ModelChoice(), "unknown-asset"),
    ],
)
async def test_what_cannot_be_drawn_is_refused(parts: Parts, look: Look, models: ModelChoice, code: str) -> None:
    with pytest.raises((Rejected, Refusal)) as refused:
        await parts.admission.check(look, models, keeps_alpha=False)
    assert refused.value.code == code


async def test_without_a_warm_lane_only_what_may_wait_passes_with_models_of_its_own(parts: Parts) -> None:
    await parts.admission.check(Look(), NAMED, keeps_alpha=False, may_wait=True)
    with pytest.raises(Refusal, match="No lane is warm"):
        await parts.admission.check(Look(), NAMED, keeps_alpha=False)
