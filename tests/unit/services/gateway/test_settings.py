"""Settings of the gateway."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from services.gateway.settings import GatewaySettings


def test_by_default_nobody_outside_of_this_machine_is_served() -> None:
    settings = GatewaySettings()
    assert {settings.rest_host, settings.grpc_host} == {"127.0.0.1"}


def test_every_setting_has_its_sentence() -> None:
    for name, field in GatewaySettings.model_fields.items():
        assert (field.description or "").endswith("."), name


@pytest.mark.parametrize("wrong", [{"rest_port": 70_000}, {"max_stills": 0}, {"still_deadline_seconds": 0}])
def test_what_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_a_variable_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MAX_UPLOAD_BYTES", "5")
    assert GatewaySettings().max_upload_bytes == 5
