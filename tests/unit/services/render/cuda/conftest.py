"""What the tests of render's CUDA forms share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cuda.devices import BOTH, opened

if TYPE_CHECKING:
    from shared.cuda.device import Device
    from tests.cuda.devices import Kind


@pytest.fixture(scope="module", params=BOTH)
def device(request: pytest.FixtureRequest) -> Device:
    """One for all tests of a module; a module whose tests need each a new one has its own."""
    kind: Kind = request.param
    return opened(kind)
