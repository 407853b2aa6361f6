"""The fields that go with an upload."""

from __future__ import annotations

import pytest

from services.gateway.fields import FIELDS, OF_ANALYSES, OF_IMAGES, OF_JOBS, asks, refuse_unknown
from services.gateway.problems import Refusal
from shared.model.jobs import Want


def test_known_fields_pass_and_another_is_named_with_those_there_are() -> None:
    refuse_unknown(["look", "detector"], OF_IMAGES)
    with pytest.raises(Refusal, match="no field 'detectr' here; there are: `detector`, `landmarks`") as refused:
        refuse_unknown(["detectr"], OF_ANALYSES)
    assert refused.value.code == "invalid-parameter"


def test_a_long_name_is_not_repeated_whole() -> None:
    with pytest.raises(Refusal) as refused:
        refuse_unknown(["x" * 16_000], OF_JOBS)
    assert len(refused.value.detail) < 200


def test_a_field_may_stand_in_the_form_or_in_the_query() -> None:
    entry = asks(OF_JOBS, ["video/mp4"], "A video.")
    form = entry["requestBody"]["content"]["multipart/form-data"]
    assert set(form["schema"]["properties"]) == {"file", *OF_JOBS} == set(form["examples"]["form"]["value"])
    assert tuple(parameter["name"] for parameter in entry["parameters"]) == OF_JOBS
    assert "video/mp4" in entry["requestBody"]["content"]


def test_what_may_be_wanted_is_documented_as_the_model_has_it() -> None:
    assert FIELDS["want"]["enum"] == list(Want)
