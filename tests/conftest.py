"""What holds for every test."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# No test asserts a time: on a busy machine any example may be slow.
settings.register_profile("visavis", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("visavis")
