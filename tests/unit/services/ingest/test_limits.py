"""services/ingest/limits.py"""

from __future__ import annotations

import msgspec
import pytest

from services.ingest.limits import IngestLimits
from shared.model.assets import MOST_LUT_SIZE, MOST_PIXELS, MOST_PREPARED_BYTES


def test_every_limit_has_bounds_and_a_sentence() -> None:
    for field in msgspec.structs.fields(IngestLimits):
        meta = field.type.__metadata__[0]
        assert meta.ge <= field.default <= meta.le
        assert meta.description.endswith(".")


@pytest.mark.parametrize(("name", "value"), [("max_pixels", 3), ("decoder_niceness", 20), ("min_side", 0)])
def test_a_limit_out_of_bounds_is_refused_by_name(name: str, value: int) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value}; it must be between"):
        IngestLimits(**{name: value})


def test_limits_survive_json() -> None:
    limits = IngestLimits(max_frames=77)
    assert msgspec.json.decode(msgspec.json.encode(limits), type=IngestLimits) == limits


def test_no_setting_allows_what_nobody_would_read() -> None:
    largest = IngestLimits(max_asset_pixels=MOST_PIXELS, max_asset_total_pixels=MOST_PIXELS, max_lut_size=MOST_LUT_SIZE)
    assert largest.most_prepared_bytes <= MOST_PREPARED_BYTES
