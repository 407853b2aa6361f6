from __future__ import annotations

import msgspec
import pytest

from shared.model import effects

ASSET = "0" * 32
KINDS = [
    kind
    for name, kind in vars(effects).items()
    if isinstance(kind, type) and issubclass(kind, effects._Effect) and not name.startswith("_")
]
NEED_AN_ASSET = {effects.Texture, effects.Sticker, effects.Grade}


def shown(kind: type, /, **values: object) -> effects._Effect:
    asset = {"asset": ASSET} if kind in NEED_AN_ASSET else {}
    return msgspec.convert({**asset, **values}, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_an_effect_draws_by_its_defaults(kind: type) -> None:
    assert shown(kind).strength > 0


@pytest.mark.parametrize("kind", [kind for kind in KINDS if issubclass(kind, effects._Amounted)])
def test_an_effect_of_no_amount_draws_nothing(kind: type) -> None:
    nothing = {name: 0 for name in ("amount", "highlight") if name in kind.__struct_fields__}
    assert shown(kind, **nothing).strength == 0


@pytest.mark.parametrize("kind", KINDS)
def test_an_effect_says_what_it_does_and_knows_its_parameters(kind: type) -> None:
    assert (kind.__doc__ or "").endswith(".")
    with pytest.raises(msgspec.ValidationError, match="unknown field `sparkle`"):
        shown(kind, sparkle=1)


@pytest.mark.parametrize("kind", sorted(NEED_AN_ASSET, key=lambda kind: kind.__name__))
def test_what_draws_a_file_needs_it(kind: type) -> None:
    with pytest.raises(msgspec.ValidationError, match="`asset`"):
        msgspec.convert({}, kind)


def test_a_background_needs_a_picture_only_where_it_is_one() -> None:
    assert shown(effects.Background).kind == "blur"  # type: ignore[attr-defined]
    with pytest.raises(msgspec.ValidationError, match="needs an `asset`"):
        shown(effects.Background, kind="picture")
    with pytest.raises(msgspec.ValidationError, match="goes with a background of kind"):
        shown(effects.Background, asset=ASSET)
    assert shown(effects.Background, kind="picture", asset=ASSET)


def test_a_background_is_drawn_whatever_its_amount() -> None:
    assert shown(effects.Background, kind="color", amount=0).strength == 1
