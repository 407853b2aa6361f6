"""Who may be called back, and what signs it."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING, Self

import msgspec

from services.gateway.problems import Refusal
from shared.model.addresses import Network, may_connect, read_networks, read_url
from shared.model.errors import Misconfigured, Rejected
from shared.model.variables import variable
from visavis.webhooks import read_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.model.addresses import RemoteUrl

SCHEMES = ("https", "http")
SETTING = "callback_networks"


class CallbackRules(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of calls back."""

    keys: tuple[bytes, ...] = ()
    """Each signs; none: nobody is called back."""
    networks: tuple[Network, ...] = ()
    """Not public, and allowed."""
    first_pause_seconds: float = 5.0
    """Before the second try."""
    patience_seconds: float = 15.0
    """A receiver has so long for its answer."""

    def __repr__(self) -> str:
        """Without the keys."""
        return f"CallbackRules({len(self.keys)} keys)"

    @classmethod
    def read(cls, secret: str, networks: str, first_pause_seconds: float, patience_seconds: float) -> Self:
        """From the text of the settings `callback_secret` and `callback_networks`. Raises Misconfigured."""
        try:
            keys = read_secrets(secret)
        except ValueError as error:
            raise Misconfigured(f"{variable('callback_secret')} cannot be used. {error}") from error
        return cls(
            keys=keys,
            networks=read_networks(networks, SETTING),
            first_pause_seconds=first_pause_seconds,
            patience_seconds=patience_seconds,
        )

    def callback(self, fields: Mapping[str, str]) -> str:
        """The field `callback`: a URL that can be called back; empty where there is none.

        Raises Refusal `callback-refused`, which tells no path. Where a name leads is checked when it is called.
        """
        text = fields.get("callback", "").strip()
        if not text:
            return ""
        if not self.keys:
            secret = variable("callback_secret")
            raise Refusal("callback-refused", f"This deployment has no secret to sign calls with ({secret}).")
        url = self.url(text)
        if not url.text.isascii():
            raise Refusal("callback-refused", "The callback's URL must be ASCII: write the rest as %xx and xn--.")
        if not self._may_lead_to(url.host):
            detail = f"{url.host} is not public; {variable(SETTING)} lists networks that are allowed."
            raise Refusal("callback-refused", detail)
        return url.text

    def url(self, text: str) -> RemoteUrl:
        """The parts of such a URL. Raises Refusal `callback-refused`, which tells no path."""
        try:
            return read_url(text, SCHEMES, "callback")
        except Rejected as error:
            raise Refusal("callback-refused", error.detail) from error

    def _may_lead_to(self, host: str) -> bool:
        """Whether that may be, as far as it can be seen without looking it up."""
        try:
            return may_connect(ip_address(host), self.networks)
        except ValueError:
            return True
