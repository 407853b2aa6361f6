"""What a client chooses beside the media."""

from __future__ import annotations

import pytest

from services.gateway.choices import read_look, read_models, read_want, reply_kind
from services.gateway.problems import Refusal
from shared.model.errors import Rejected
from shared.model.media import MediaKind
from shared.model.offers import ModelChoice
from shared.model.presets import PRESETS
from shared.runtime.presence import Presence


def test_an_empty_look_is_the_default() -> None:
    assert read_look({"look": " "}, Presence()) == read_look({}, Presence()) == PRESETS["default"]


def test_an_unknown_look_names_those_there_are() -> None:
    with pytest.raises(Rejected, match="glamour"):
        read_look({"look": "pretty"}, Presence())


def test_an_unknown_want_names_those_there_are() -> None:
    with pytest.raises(Refusal, match="picture, faces"):
        read_want({"want": "money"})


def test_models_that_are_not_named_are_the_deployments() -> None:
    assert read_models({}) == read_models({"detector": " ", "landmarks": ""}) == ModelChoice()
    assert read_models({"landmarks": " pfld-68 "}) == ModelChoice(landmarks="pfld-68")


@pytest.mark.parametrize("field", ["detector", "landmarks"])
@pytest.mark.parametrize("name", ["SCRFD", "-a", "a" * 65, "../a", "a_b", "a\nb"])
def test_what_cannot_be_a_models_name_is_refused(field: str, name: str) -> None:
    with pytest.raises(Refusal, match=f"`{field}` must be a model's name"):
        read_models({field: name})


@pytest.mark.parametrize("accept", ["image/png;q=nonsense, text/html", "text/html", "image/gif, image/jpeg;q=0"])
def test_nothing_that_is_accepted_is_refused(accept: str) -> None:
    with pytest.raises(Refusal):
        reply_kind(accept, MediaKind.PNG)


def test_the_most_specific_range_counts() -> None:
    assert reply_kind("image/png;q=0.2, image/*;q=0.1, */*;q=0.9", MediaKind.WEBP) is MediaKind.PNG
