"""How FFmpeg is told to read a fetched source: one protocol, one format, and a way that ends at the tunnel."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from services.ingest.limits import IngestLimits

_CODED_SLACK = 2
"""FFmpeg's own pixel limit is on coded sizes, which are padded to whole blocks; ours is on what is shown."""
_MOST_PROBED_BYTES, _MOST_PROBED_US = 4 << 20, 1_000_000
"""What is read ahead to learn which streams there are. Nothing of it is lost, but a source begins so much later."""


def file_options(limits: IngestLimits) -> dict[str, str]:
    """For bytes that the parent fetched: no protocol at all."""
    return {
        "protocol_whitelist": "",
        "format_whitelist": "mpegts,mov,mp4,m4a,3gp,3g2,mj2,flv,matroska,webm",
        **_bounds(limits),
    }


def rtmp_options(url: str, limits: IngestLimits) -> dict[str, str]:
    """For RTMP. The server is told the host that was asked for, and not the tunnel's address. url: the source's."""
    parts = urlsplit(url)
    app, play = rtmp_names(url)
    host = parts.netloc.rpartition("@")[2]
    return {
        "protocol_whitelist": "rtmp,tcp",
        "format_whitelist": "flv,live_flv",
        "rtmp_live": "live",
        "rtmp_app": app,
        "rtmp_playpath": play,
        "rtmp_tcurl": f"{parts.scheme}://{host}/{app}",
        "rw_timeout": str(limits.source_silence_seconds * 1_000_000),
        **_bounds(limits),
    }


def rtsp_options(limits: IngestLimits) -> dict[str, str]:
    """For RTSP, with the media in the same TCP connection."""
    return {
        "protocol_whitelist": "rtsp,tcp",
        "format_whitelist": "rtsp,sdp",
        "rtsp_transport": "tcp",
        "timeout": str(limits.source_silence_seconds * 1_000_000),
        **_bounds(limits),
    }


def rtmp_names(url: str) -> tuple[str, str]:
    """Application and stream of an RTMP URL: of many parts, the first two are the application and its instance."""
    parts = urlsplit(url)
    names = parts.path.lstrip("/").split("/")
    many = min(2, max(1, len(names) - 1))
    play = "/".join(names[many:]) + (f"?{parts.query}" if parts.query else "")
    return "/".join(names[:many]), play


def tunnelled(url: str, port: int) -> str:
    """The same URL, unencrypted, to the tunnel's end. A user stays named: RTSP and RTMP authenticate with it."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    host = f"{user}@127.0.0.1:{port}" if user else f"127.0.0.1:{port}"
    return parts._replace(scheme=parts.scheme[:4], netloc=host).geturl()


def _bounds(limits: IngestLimits) -> dict[str, str]:
    return {
        "max_pixels": str(limits.max_pixels * _CODED_SLACK),
        "max_streams": "64",
        "probesize": str(_MOST_PROBED_BYTES),
        "analyzeduration": str(_MOST_PROBED_US),
    }
