"""Who may be called back."""

from __future__ import annotations

import pytest

from services.gateway.callbacks.rules import CallbackRules
from services.gateway.problems import Refusal
from shared.model.errors import Misconfigured

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
RULES = CallbackRules.read(SECRET, "10.1.0.0/16", 5, 15)


def test_without_a_callback_nobody_is_called() -> None:
    assert RULES.callback({}) == RULES.callback({"callback": " "}) == CallbackRules().callback({}) == ""


@pytest.mark.parametrize(
    "text", ["https://example.org/hook?token=1", "http://me:word@example.org:8080/", "https://10.1.2.3/", "http://93.184.216.34"]
)  # fmt: skip
def test_what_may_be_called_is_kept_as_it_is(text: str) -> None:
    assert RULES.callback({"callback": text}) == text


@pytest.mark.parametrize(
    "text",
    ["ftp://example.org/secret", "example.org/secret", "https:///secret", "http://x y/secret", "https://x:99999/secret",
     "https://example.org/secret-ü", "http://127.0.0.1/secret", "http://169.254.169.254/secret", "http://[::1]/secret",
     "http://[::ffff:127.0.0.1]/secret", "https://10.2.0.1/secret", "https://x/" + "secret" * 1000],
)  # fmt: skip
def test_what_may_not_be_called_is_refused_at_once_and_told_without_its_path(text: str) -> None:
    with pytest.raises(Refusal) as refused:
        RULES.callback({"callback": text})
    assert refused.value.code == "callback-refused"
    assert "secret" not in refused.value.detail


def test_without_a_secret_every_callback_is_refused_with_the_setting_that_is_missing() -> None:
    with pytest.raises(Refusal, match="VISAVIS_CALLBACK_SECRET"):
        CallbackRules().callback({"callback": "https://example.org/"})


def test_a_secret_that_is_none_ends_the_process_without_being_told() -> None:
    with pytest.raises(Misconfigured, match="VISAVIS_CALLBACK_SECRET") as wrong:
        CallbackRules.read("hunter2", "", 5, 15)
    assert "hunter2" not in str(wrong.value)


def test_networks_that_are_none_end_the_process() -> None:
    with pytest.raises(Misconfigured, match="VISAVIS_CALLBACK_NETWORKS"):
        CallbackRules.read(SECRET, "home", 5, 15)


def test_two_secrets_both_sign() -> None:
    assert len(CallbackRules.read(f"{SECRET} {SECRET}", "", 5, 15).keys) == 2
