"""services/ingest/sources/rules.py."""

from __future__ import annotations

import pytest

from services.ingest.limits import IngestLimits
from services.ingest.settings import IngestSettings
from services.ingest.sources.rules import SourceRules
from shared.model.errors import Misconfigured, Rejected


def test_by_default_everything_public_may_be_fetched_and_nothing_else() -> None:
    assert IngestSettings().source_rules == SourceRules()
    assert SourceRules().networks == ()


def test_schemes_and_networks_come_from_the_settings() -> None:
    rules = IngestSettings(source_schemes="https, rtmps", source_networks="10.1.0.0/16").source_rules
    assert rules.url("https://host/x").scheme == "https"
    with pytest.raises(Rejected, match="VISAVIS_SOURCE_SCHEMES"):
        rules.url("http://host/x")
    assert [str(network) for network in rules.networks] == ["10.1.0.0/16"]


def test_of_the_schemes_those_of_the_web_are_for_playlists_and_redirects() -> None:
    assert SourceRules().web_schemes == ("http", "https")
    assert SourceRules(schemes=("rtmp", "https")).web_schemes == ("https",)


@pytest.mark.parametrize(("schemes", "networks"), [("file", ""), ("https,udp", ""), ("https", "10.1.0.0/99")])
def test_settings_that_make_no_sense_are_named(schemes: str, networks: str) -> None:
    with pytest.raises(Misconfigured, match=r"(?i)source_"):
        SourceRules.read(IngestLimits(), schemes, networks, unconfined=False)
