"""What the image of one service has is what that service imports: no package is missing, none is too many."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

import grimp
import pytest

if TYPE_CHECKING:
    from grimp import ImportGraph

ROOT = Path(__file__).parents[2]
OURS = ("visavis", "services", "shared")
SERVICES = ("ingest", "detect", "render", "gateway")
ENTRIES = {
    "ingest": ("services.ingest",),  # its children are started as programs of their own
    "detect": ("services.detect.__main__",),  # not the preparing of models, which the command line does
    "render": ("services.render",),
    "gateway": ("services.gateway",),
}
CARD = {"cupy": "cupy-cuda13x", "pynvml": "nvidia-ml-py", "PyNvVideoCodec": "pynvvideocodec"}
"""What only a lane on a card has."""
LEFT_OUT = {"imageio_ffmpeg"}
"""Not in any image: the extra `srt`, which is GPL; an image's own FFmpeg is named by a setting."""
FOUND_BY_OTHERS = {"websockets"}
"""Imported by a package that looks for it: uvicorn, for WebSockets."""
FROM = {
    "google": {"protobuf"},
    "opentelemetry": {"opentelemetry-exporter-otlp-proto-http", "opentelemetry-sdk"},
    "pydantic": {"pydantic-settings"},
}
"""Packages that many distributions share, or that come with another: which of them we name."""


@cache
def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


@cache
def graph() -> ImportGraph:
    return grimp.build_graph(*OURS, include_external_packages=True, cache_dir=None)


def name_of(requirement: str) -> str:
    return re.split(r"[><=!~\[ ;]", requirement, maxsplit=1)[0].lower().replace("_", "-")


def group(name: str) -> set[str]:
    """The requirements of a dependency group, with those of the groups that it includes."""
    found: set[str] = set()
    for one in project()["dependency-groups"][name]:
        found |= {one} if isinstance(one, str) else group(one["include-group"])
    return found


def imported(service: str) -> set[str]:
    """Top-level packages of others that a service imports, sooner or later."""
    upstream = {
        module for entry in ENTRIES[service]
        for module in graph().find_upstream_modules(entry, as_package=not entry.endswith("__main__"))
    }  # fmt: skip
    return {module.split(".")[0] for module in upstream} - set(OURS) - sys.stdlib_module_names - LEFT_OUT


def distributions(packages: set[str]) -> set[str]:
    known = packages_distributions()
    found: set[str] = set()
    for package in packages:
        found |= FROM.get(package) or {name.lower().replace("_", "-") for name in known[package]}
    return found


@pytest.mark.parametrize("service", SERVICES)
def test_a_services_group_is_what_it_imports(service: str) -> None:
    needed = distributions(imported(service) - CARD.keys())
    listed = {name_of(one) for one in group(service)}
    assert listed - FOUND_BY_OTHERS == needed


@pytest.mark.parametrize("service", ["ingest", "detect", "render"])
def test_on_a_card_it_has_what_it_imports_there(service: str) -> None:
    needed = {CARD[package] for package in imported(service) & CARD.keys()}
    more = {name_of(one) for one in group(f"{service}-cuda") - group(service)}
    assert more - {"onnxruntime-gpu"} == needed


@pytest.mark.parametrize("service", SERVICES)
def test_a_group_has_the_ranges_of_the_dependencies(service: str) -> None:
    assert group(service) <= set(project()["project"]["dependencies"])


def test_the_groups_of_cards_have_the_ranges_of_the_extra() -> None:
    extra = set(project()["project"]["optional-dependencies"]["gpu"])
    for service in ("ingest", "detect", "render"):
        assert group(f"{service}-cuda") - group(service) <= extra


@pytest.mark.parametrize("service", SERVICES)
def test_a_lock_has_its_group_at_the_versions_that_are_tested(service: str) -> None:
    pins = {lock: dict(re.findall(r"^(\S+)==(\S+)", (ROOT / lock).read_text(), re.MULTILINE))
            for lock in ("requirements.lock", f"deploy/locks/{service}.txt")}  # fmt: skip
    tested, shipped = pins.values()
    assert {name_of(one) for one in group(service)} <= set(shipped)
    assert {name: version for name, version in shipped.items() if tested.get(name) != version} == {}
