"""Where an address that comes from outside may lead: which networks are public, and what a URL of a source may be.

The special networks are those of the IANA registries for IPv4 and IPv6 (RFC 6890). Of IPv6 only what is given out as
global unicast (2000::/3) can be public; loopback, mapped, translated (NAT64), unique local and link-local addresses lie
outside of it.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import SplitResult, parse_qsl, urlsplit

import msgspec

from shared.model.errors import Misconfigured, Rejected
from shared.model.variables import variable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

SCHEMES = {"rtmp": 1935, "rtmps": 443, "rtsp": 554, "rtsps": 322, "srt": 0, "http": 80, "https": 443}
"""What can be fetched from, with the usual port; 0: there is none."""
PUSHED = ("rtmp", "rtmps")
"""What can be pushed to."""
REFUSED = "source-refused"
"""The code of every refusal here."""
_ENCRYPTED = frozenset({"rtmps", "rtsps", "https"})
_MOST_CHARACTERS = 4096
_SRT_OPTIONS = {
    "mode": re.compile("caller"),
    "streamid": re.compile(r"[^\x00-\x1f\x7f]{1,512}"),
    "passphrase": re.compile(r"[^\x00-\x1f\x7f]{10,79}"),
    "pbkeylen": re.compile("16|24|32"),
    "latency": re.compile(r"\d{1,4}"),
}
_SRT_RANGES = {
    "mode": "it must be caller",
    "streamid": "it has 1 to 512 characters",
    "passphrase": "it has 10 to 79 characters",
    "pbkeylen": "it is 16, 24 or 32 bytes",
    "latency": "it is 0 to 9999 milliseconds",
}
_HOST = re.compile(r"[a-z0-9_](?:[a-z0-9_.-]{0,251}[a-z0-9_.])?", re.IGNORECASE)
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")

_NOT_PUBLIC_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by carriers; metadata of some clouds
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's metadata at an address that looks public
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which embeds an IPv4 address
        "3fff::/20",  # documentation
    )
)


class RemoteUrl(msgspec.Struct, frozen=True, kw_only=True):
    """A URL that was looked at: its parts are in their ranges. Where its host leads is checked at connect time."""

    scheme: str
    host: str
    """A name or an address, without brackets."""
    port: int
    text: str
    """All of it, without a fragment. It may hold a stream's key or a password: for no log, error or span."""

    @property
    def is_encrypted(self) -> bool:
        """Whether it is spoken over TLS."""
        return self.scheme in _ENCRYPTED

    @property
    def place(self) -> str:
        """What may be told of it: scheme and host."""
        return f"{self.scheme}://{_bracketed(self.host)}"

    @property
    def authority(self) -> str:
        """Host and, where it is not the usual one, port."""
        usual = self.port == SCHEMES[self.scheme]
        return _bracketed(self.host) if usual else f"{_bracketed(self.host)}:{self.port}"

    def __repr__(self) -> str:
        """Only what may be told."""
        return f"RemoteUrl({self.place})"


def is_public(address: Address) -> bool:
    """Whether the address is one of the public network and of nothing that embeds or imitates another."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_V4)
    return address in _GLOBAL_V6 and not any(address in network for network in _NOT_PUBLIC_V6)


def may_connect(address: Address, allowed: tuple[Network, ...] = ()) -> bool:
    """Whether something that came from outside may lead there. allowed: networks for which nothing is refused."""
    return is_public(address) or any(address in network for network in allowed)


def read_networks(text: str, setting: str) -> tuple[Network, ...]:
    """The networks of a comma separated list such as `10.1.0.0/16, fd00::/8`.

    setting: whose text it is. Raises Misconfigured, which names its variable.
    """
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise Misconfigured(
            f"{variable(setting)} must be networks like 10.1.0.0/16, separated by commas: {error}."
        ) from error


def read_url(text: str, schemes: tuple[str, ...] = tuple(SCHEMES), whose: str = "source") -> RemoteUrl:
    """The parts of a URL. schemes: those that are wanted. whose: what the sentences of errors call it.

    Raises Rejected (`source-refused`), which tells no path.
    """
    if len(text) > _MOST_CHARACTERS or _UNSAFE.search(text):
        raise Rejected(REFUSED, f"The {whose}'s URL must have up to {_MOST_CHARACTERS} characters without spaces.")
    try:
        parts = urlsplit(text.replace("#", "%23") if text.startswith("srt:") else text)  # stream ids begin with #!::
        port = parts.port
    except ValueError:
        raise Rejected(REFUSED, f"The {whose}'s URL cannot be read; it is scheme://host:port/path.") from None
    _check_scheme(parts.scheme, schemes, whose)
    host = _checked_host(parts, whose)
    port = SCHEMES[parts.scheme] if port is None else port
    if port == 0:
        raise Rejected(REFUSED, f"The {whose}'s URL must name a port between 1 and 65535.")
    if parts.scheme == "srt":
        srt_options(parts.geturl())
    bare = parts._replace(fragment="").geturl()
    return RemoteUrl(scheme=parts.scheme, host=host, port=port, text=bare)


def srt_options(text: str) -> dict[str, str]:
    """What a URL of SRT asks for: `streamid`, `passphrase`, `pbkeylen` (bytes), `latency` (ms), and `mode=caller`.

    Raises Rejected (`source-refused`), which tells names only.
    """
    found = dict(parse_qsl(urlsplit(text).query, keep_blank_values=True))
    for name, value in found.items():
        if name not in _SRT_OPTIONS:
            raise Rejected(REFUSED, f"srt:// takes {', '.join(_SRT_OPTIONS)}; not {name[:40]!r}.")
        if not _SRT_OPTIONS[name].fullmatch(value):
            raise Rejected(REFUSED, f"srt:// cannot have this {name}: {_SRT_RANGES[name]}.")
    return found


def read_push_url(text: str) -> RemoteUrl:
    """The parts of an RTMP server's URL that names an application and a stream there, and nobody (`user@`).

    Raises Rejected (`source-refused`), which tells no path.
    """
    url = read_url(text, PUSHED)
    parts = urlsplit(url.text)
    app, _, stream = parts.path.strip("/").rpartition("/")
    if "@" in parts.netloc or not (app and stream):
        raise Rejected(REFUSED, "What is pushed to is named as rtmp://host/app/key, without user and password.")
    return url


def _check_scheme(scheme: str, schemes: tuple[str, ...], whose: str) -> None:
    wanted = ", ".join(f"{one}://" for one in schemes)
    if scheme not in schemes:
        setting = f" ({variable('source_schemes')})" if whose == "source" else ""
        raise Rejected(REFUSED, f"A {whose}'s URL must begin with one of {wanted}{setting}.")


def _checked_host(parts: SplitResult, whose: str) -> str:
    host = parts.hostname or ""
    if ":" in host:
        try:
            return str(ip_address(host))
        except ValueError:
            host = ""
    try:
        ascii_host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        ascii_host = ""
    if not _HOST.fullmatch(ascii_host):
        raise Rejected(REFUSED, f"The {whose}'s URL has no host that can be looked up.")
    return ascii_host


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
