"""How a part of the bench tells what it measured."""

from __future__ import annotations

import json
from typing import Any


def told(figures: dict[str, Any]) -> dict[str, Any]:
    """The same, said at once on a line of its own: what is told stays if the part fails later."""
    print(json.dumps(figures), flush=True)
    return figures
