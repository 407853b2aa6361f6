"""Where the function listens."""

from __future__ import annotations

import pytest

from shared.model.errors import Misconfigured
from visavis.serverless.settings import read_http_settings


@pytest.mark.parametrize(("name", "value", "port"), [("PORT", "9001", 9001), ("FC_SERVER_PORT", "9000", 9000)])
def test_the_port_is_the_platforms(monkeypatch: pytest.MonkeyPatch, name: str, value: str, port: int) -> None:
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.setenv(name, value)
    assert read_http_settings().port == port


def test_without_a_word_it_is_that_of_knative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.delenv("FC_SERVER_PORT", raising=False)
    assert read_http_settings().port == 8080


def test_a_wrong_port_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "many")
    with pytest.raises(Misconfigured, match="PORT"):
        read_http_settings()
