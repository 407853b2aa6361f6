"""How clients come to the servers of NATS: where they are, who we are, and how we know that they are the right ones."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shared.model.errors import Misconfigured

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class NatsAccess:
    """One server or the nodes of a cluster, of which any that answers will do; the others are heard of from it."""

    urls: str
    """`nats://host:4222` or `tls://host:4222`, separated by commas. A user and password in them are used, too."""
    user: str = ""
    password: str = field(default="", repr=False)
    ca: Path | None = None
    """Certificates (PEM) of who may vouch for the servers; None: those that the system trusts."""
    certificate: Path | None = None
    """Ours (PEM), for servers that ask for one."""
    key: Path | None = None
    """Of that certificate."""
    replicas: int = 0
    """Servers that keep each stream; 0: as many as keep it already, and of a new one three in a cluster, else one."""

    @property
    def servers(self) -> list[str]:
        """The URLs one by one."""
        return [url for one in self.urls.split(",") if (url := one.strip())]

    @property
    def places(self) -> str:
        """Where the servers are, without users and passwords."""
        return ", ".join(one.rsplit("@", 1)[-1] for one in self.servers)

    def options(self) -> dict[str, Any]:
        """What the client is told of all that. Raises Misconfigured where a file cannot be used."""
        told: dict[str, Any] = {}
        if self.user:
            told |= {"user": self.user, "password": self.password}
        if self.ca is not None or self.certificate is not None:
            told["tls"] = self._tls()
        return told

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=None if self.ca is None else str(self.ca))
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            raise Misconfigured(f"NATS cannot be spoken to over TLS with those files: {error}.") from error
        return context
