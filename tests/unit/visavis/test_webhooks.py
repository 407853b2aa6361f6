"""visavis/webhooks.py."""

from __future__ import annotations

import base64
import json

import pytest

from visavis.webhooks import VerificationError, read_secrets, sign, verify

# The vector that the libraries of Standard Webhooks are tested with.
SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
SECONDS = 1_614_265_330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
HEADERS = {"webhook-id": ID, "webhook-timestamp": str(SECONDS), "webhook-signature": SIGNATURE}
OTHER = "whsec_" + base64.b64encode(bytes(range(32))).decode()


def verified(headers: dict[str, str], body: bytes = BODY, secret: str = SECRET, now: float = SECONDS) -> object:
    return verify(secret, headers, body, now_unix_seconds=now)


def test_the_published_vector_is_signed_and_verified() -> None:
    assert sign(read_secrets(SECRET), ID, SECONDS, BODY) == HEADERS
    assert verified(HEADERS) == {"test": 2432232314}


def test_names_of_headers_are_known_however_they_are_spelled() -> None:
    assert verified({name.title(): value for name, value in HEADERS.items()}) == {"test": 2432232314}


@pytest.mark.parametrize("name", list(HEADERS))
@pytest.mark.parametrize("value", [None, "", "x", "v1,", "v1,ZZZ", "ü", "²", str(SECONDS + 1)])
def test_no_header_can_be_another(name: str, value: str | None) -> None:
    changed = {**HEADERS, name: value} if value is not None else {k: v for k, v in HEADERS.items() if k != name}
    with pytest.raises(VerificationError):
        verified(changed)  # type: ignore[arg-type]


def test_a_changed_body_and_another_secret_are_not_believed() -> None:
    with pytest.raises(VerificationError, match="ours"):
        verified(HEADERS, BODY + b" ")
    with pytest.raises(VerificationError, match="ours"):
        verified(HEADERS, secret=OTHER)


def test_a_signature_of_another_version_does_not_count() -> None:
    with pytest.raises(VerificationError, match="ours"):
        verified({**HEADERS, "webhook-signature": SIGNATURE.replace("v1,", "v1a,")})


@pytest.mark.parametrize("now", [SECONDS - 300, SECONDS, SECONDS + 300])
def test_clocks_may_differ_within_the_tolerance(now: int) -> None:
    assert verified(HEADERS, now=now)


@pytest.mark.parametrize(("now", "said"), [(SECONDS - 301, "future"), (SECONDS + 301, "too old")])
def test_a_call_of_another_time_is_not_believed(now: int, said: str) -> None:
    with pytest.raises(VerificationError, match=said):
        verified(HEADERS, now=now)
    assert verify(SECRET, HEADERS, BODY, 400, now_unix_seconds=now)


def test_while_secrets_change_either_side_may_have_both() -> None:
    both = f"{OTHER} {SECRET}"
    assert verified(HEADERS, secret=both)
    signed = sign(read_secrets(both), ID, SECONDS, BODY)
    assert signed["webhook-signature"].split()[1] == SIGNATURE
    for secret in (SECRET, OTHER, both):
        assert verified(signed, secret=secret)


def test_a_call_of_now_is_believed_by_this_machines_clock() -> None:
    with pytest.raises(VerificationError, match="too old"):
        verify(SECRET, HEADERS, BODY)


def test_what_is_signed_and_no_json_is_told() -> None:
    with pytest.raises(VerificationError, match="JSON"):
        verified(sign(read_secrets(SECRET), ID, SECONDS, b"<html>"), b"<html>")
    document = json.dumps({"state": "done"}).encode()
    assert verified(sign(read_secrets(SECRET), ID, SECONDS, document), document) == {"state": "done"}


@pytest.mark.parametrize(
    "text", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_short", "whsec_!!!!", "whsec_" + "A" * 128, "whsec_ü"]
)
def test_what_is_no_secret_is_refused_without_telling_it(text: str) -> None:
    with pytest.raises(ValueError, match="24 to 64 bytes") as refused:
        read_secrets(text)
    assert text.removeprefix("whsec_") not in str(refused.value) or text == "whsec_"


def test_without_a_secret_nothing_can_be_verified() -> None:
    assert read_secrets("") == ()
    with pytest.raises(ValueError, match="no secret"):
        verify("", HEADERS, BODY)
