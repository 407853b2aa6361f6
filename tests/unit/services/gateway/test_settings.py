"""Settings of the gateway."""

from __future__ import annotations

import pytest
from pydantic import SecretStr, ValidationError

from services.gateway.settings import GatewaySettings


def test_by_default_nobody_outside_of_this_machine_is_served() -> None:
    settings = GatewaySettings()
    assert {settings.rest_host, settings.grpc_host} == {"127.0.0.1"}


def test_every_setting_has_its_sentence() -> None:
    for name, field in GatewaySettings.model_fields.items():
        assert (field.description or "").endswith("."), name


@pytest.mark.parametrize(
    "wrong", [{"rest_port": 70_000}, {"max_stills": 0}, {"still_deadline_seconds": 0}, {"trusted_proxies": "a name"}]
)
def test_what_cannot_be_is_refused(wrong: dict[str, int | str]) -> None:
    with pytest.raises(ValidationError):
        GatewaySettings(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_a_variable_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MAX_UPLOAD_BYTES", "5")
    assert GatewaySettings().max_upload_bytes == 5


def test_a_secret_is_shown_nowhere() -> None:
    secret = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    settings = GatewaySettings(callback_secret=SecretStr(secret), callback_networks="10.0.0.0/8")
    assert settings.callbacks.keys
    assert secret[6:] not in f"{settings!r} {settings.callbacks!r} {settings.model_dump_json()}"
