from __future__ import annotations

from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from shared.model.variables import PREFIX, variable


def test_a_setting_is_called_as_it_stands_in_the_environment() -> None:
    assert variable("max_still_pixels") == "VISAVIS_MAX_STILL_PIXELS"


def test_the_services_read_what_is_called_so() -> None:
    assert {kind.model_config["env_prefix"] for kind in (GatewaySettings, IngestSettings)} == {PREFIX}
