"""Settings of detect."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from services.detect.settings import DetectSettings


def test_the_folder_of_the_models_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_MODELS", "/somewhere/else")
    assert DetectSettings().models == Path("/somewhere/else")


@pytest.mark.parametrize(
    ("name", "value"),
    [("detect_every", 0), ("max_faces", 65), ("detect_threads", 0), ("detect_parallel", 0), ("providers", "cuda;cpu")],
)
def test_a_value_out_of_bounds_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValidationError, match=name):
        DetectSettings(**{name: value})
