"""What a setting is called where people meet it: in the environment."""

from __future__ import annotations

PREFIX = "VISAVIS_"


def variable(setting: str) -> str:
    """The variable of a setting of a service: `rest_port` -> `VISAVIS_REST_PORT`."""
    return f"{PREFIX}{setting.upper()}"
