from __future__ import annotations

from typing import Any

import pytest

from services.render.assets import asset_of
from shared.model.assets import PreparedLut, PreparedPicture
from shared.model.errors import Rejected


def test_an_asset_of_the_right_kind_is_given(a_picture: PreparedPicture) -> None:
    assert asset_of({"a": a_picture}, "a", PreparedPicture, "background") is a_picture


def test_the_sentence_names_the_asset_and_what_would_use_it(a_picture: Any) -> None:
    with pytest.raises(Rejected, match="no asset " + "b" * 32):
        asset_of({"a": a_picture}, "b" * 32, PreparedPicture, "background")
    with pytest.raises(Rejected, match="`grade` cannot be drawn by the asset a"):
        asset_of({"a": a_picture}, "a", PreparedLut, "grade")
