"""API keys as values."""

from __future__ import annotations

import pytest

from shared.model.keys import KeyRecord, Scope, digest_of, is_prefix, key_text, new_key, split_key


def record(secret: str, **more: float) -> KeyRecord:
    return KeyRecord(
        prefix="a" * 12, name="n", digest=digest_of(secret), scopes=(Scope.JOBS,), created_unix_seconds=1.0, **more
    )


def test_a_key_is_told_by_its_prefix_and_known_by_its_secret() -> None:
    prefix, secret = new_key()
    assert split_key(key_text(prefix, secret)) == (prefix, secret)
    assert record(secret).fits(secret)
    assert not record(secret).fits(new_key()[1])
    assert secret not in repr(record(secret))


def test_no_two_keys_are_the_same() -> None:
    assert len({part for _ in range(100) for part in new_key()}) == 200


@pytest.mark.parametrize(
    "text",
    ["", "vv_", "vv__", "vv_" + "a" * 12, "vv_" + "A" * 12 + "_" + "a" * 43, "vv_" + "a" * 12 + "_" + "a" * 42,
     "xx_" + "a" * 12 + "_" + "a" * 43, "vv_" + "a" * 12 + "_" + "a" * 43 + "\n", "vv_" + "a" * 12 + "_" + "é" * 43],
)  # fmt: skip
def test_what_can_be_no_key_is_none(text: str) -> None:
    assert split_key(text) is None


def test_a_prefix_leads_out_of_no_folder() -> None:
    assert is_prefix(new_key()[0])
    assert not [text for text in ("../../jobs/a", "a" * 13, "", "a" * 11 + "/") if is_prefix(text)]


def test_a_key_holds_until_it_expires_or_is_revoked() -> None:
    assert record("s").holds(1e12)
    assert record("s", expires_unix_seconds=10.0).holds(9.9)
    assert not record("s", expires_unix_seconds=10.0).holds(10.0)
    assert not record("s", revoked_unix_seconds=5.0).holds(6.0)
