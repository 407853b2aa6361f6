from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import Field, SecretStr, ValidationError

from shared.model.errors import Misconfigured
from shared.runtime.settings import LaneSettings, ServiceSettings, card_environment, read_settings, wrong_variables
from shared.transport.nats_access import NatsAccess

if TYPE_CHECKING:
    from pathlib import Path


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_LANE", "gpu-0")
    monkeypatch.setenv("VISAVIS_LOG_LEVEL", "warning")
    settings = ServiceSettings()
    assert (settings.lane, settings.log_level) == ("gpu-0", "warning")


@pytest.mark.parametrize(
    ("name", "value"),
    [("LANE", "../etc"), ("LANE", ""), ("WORKER", "a.b"), ("LOG_LEVEL", "loud"), ("OTLP_METRICS", "perhaps")],
)
def test_a_wrong_one_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"VISAVIS_{name}", value)
    with pytest.raises(ValidationError):
        ServiceSettings()


def test_the_store_is_a_folder_under_var_unless_one_is_named(tmp_path: Path) -> None:
    assert ServiceSettings(var=tmp_path).store == (tmp_path / "objects").as_uri()
    assert ServiceSettings(store_url="s3://bucket/prefix").store == "s3://bucket/prefix"


@pytest.mark.parametrize("name", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_a_collector_is_named_by_the_standard_variables(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:4318")
    assert ServiceSettings().otlp_endpoint == "http://127.0.0.1:4318"


@pytest.mark.parametrize(("which", "has_metrics"), [("", True), ("METRICS_", True), ("TRACES_", False)])
def test_metrics_go_to_a_collector_that_is_not_named_for_traces_only(
    monkeypatch: pytest.MonkeyPatch, which: str, has_metrics: bool
) -> None:
    monkeypatch.setenv(f"OTEL_EXPORTER_OTLP_{which}ENDPOINT", "http://127.0.0.1:4318")
    assert bool(ServiceSettings().otlp_metrics_endpoint) == has_metrics


@pytest.mark.parametrize("port", ["-2", "70000"])
def test_a_port_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, port: str) -> None:
    monkeypatch.setenv("VISAVIS_METRICS_PORT", port)
    with pytest.raises(ValidationError):
        LaneSettings()


def test_the_servers_of_nats_are_come_to_as_settings_say(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    said = {"URL": "nats://a:1,nats://b:2", "USER": "me", "PASSWORD": "secret", "CA": str(tmp_path), "REPLICAS": "3"}
    for name, value in said.items():
        monkeypatch.setenv(f"VISAVIS_NATS_{name}", value)
    found = ServiceSettings()
    assert found.nats == NatsAccess("nats://a:1,nats://b:2", "me", "secret", ca=tmp_path, replicas=3)
    assert "secret" not in repr(found)


def test_every_wrong_one_is_said_by_its_variable_and_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_NATS_REPLICAS", "9")
    monkeypatch.setenv("VISAVIS_LOG_LEVEL", "loud" + 200 * "!")
    with pytest.raises(Misconfigured) as wrong:
        read_settings(ServiceSettings)
    replicas, level = said = str(wrong.value).split("; ")
    assert wrong_variables(ServiceSettings) == said
    assert replicas == "VISAVIS_NATS_REPLICAS=9: Input should be less than or equal to 5"
    assert level.startswith("VISAVIS_LOG_LEVEL=loud!!!")
    assert len(level) < 200


class Told(ServiceSettings):
    some_secret: SecretStr = Field(SecretStr(""), max_length=4)
    some_url: str = Field("", pattern="^(https?://.+)?$")
    elsewhere: int = Field(0, validation_alias="ELSEWHERE")


@pytest.mark.parametrize("name", ["VISAVIS_SOME_SECRET", "VISAVIS_SOME_URL"])
def test_a_wrong_one_that_may_hold_a_secret_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "me:password@host")
    with pytest.raises(Misconfigured, match=rf"^{name}: \w") as wrong:
        read_settings(Told)
    assert "password" not in str(wrong.value)


def test_a_variable_with_a_name_of_its_own_is_said_by_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELSEWHERE", "far")
    with pytest.raises(Misconfigured, match=r"^ELSEWHERE=far: "):
        read_settings(Told)


def test_nothing_is_wrong_with_what_is_not_set() -> None:
    assert wrong_variables(Told) == []


def test_what_takes_a_variables_place_is_not_read_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_LANE", "Not A Lane")
    assert read_settings(ServiceSettings, lane="b").lane == "b"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        ServiceSettings().lane = "b"  # type: ignore[misc]  # that it is refused is the point


def test_every_setting_has_its_sentence() -> None:
    assert not [name for name, field in ServiceSettings.model_fields.items() if not field.description]
    assert not [name for name, field in LaneSettings.model_fields.items() if not field.description]


def test_what_decodes_on_a_card_is_told_where_cuda_is_and_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    found = card_environment()
    assert found["CUDA_VISIBLE_DEVICES"] == "1"
    assert "secret" not in found.values()


@pytest.mark.parametrize(("said", "number"), [("auto", 0), ("none", None), ("3", 3)])
def test_a_lane_has_the_first_card_or_none_or_one_of_them(said: str, number: int | None) -> None:
    assert LaneSettings(card=said).card_number == number


def test_what_is_no_card_is_refused() -> None:
    with pytest.raises(ValidationError):
        LaneSettings(card="-1")
