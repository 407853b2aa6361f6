"""What the environment says to Visavis: which variables are wrong, and which nobody reads."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from pydantic import AliasChoices
from pydantic_settings import BaseSettings

from services.detect.settings import DetectSettings
from services.gateway.settings import GatewaySettings
from services.ingest.settings import IngestSettings
from services.render.settings import RenderSettings
from shared.model.errors import Misconfigured
from shared.model.variables import PREFIX
from shared.runtime.settings import wrong_variables
from visavis.settings import LocalSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic.fields import FieldInfo

SERVICES: dict[str, type[BaseSettings]] = {
    "ingest": IngestSettings, "detect": DetectSettings, "render": RenderSettings, "gateway": GatewaySettings,
}  # fmt: skip
READERS: dict[str, type[BaseSettings]] = {**SERVICES, "command line": LocalSettings}
"""Every settings class that reads our variables, but for the function's own, by who reads it."""
OF_FUNCTION = frozenset({"VISAVIS_HOST"})
"""What the function alone reads (`visavis.serverless.settings`)."""
OF_COMPOSE = frozenset({
    "VISAVIS_BASE", "VISAVIS_BUCKET_IMAGE", "VISAVIS_COLLECTOR", "VISAVIS_COLLECTOR_IMAGE", "VISAVIS_CUDA_BASE",
    "VISAVIS_GRAFANA_IMAGE", "VISAVIS_GRAFANA_PASSWORD", "VISAVIS_IMAGES", "VISAVIS_JAEGER_IMAGE", "VISAVIS_JOBS_CUDA",
    "VISAVIS_LOGS", "VISAVIS_NATS_IMAGE", "VISAVIS_PROMETHEUS_IMAGE", "VISAVIS_PUBLISH_GRAFANA", "VISAVIS_PUBLISH_GRPC",
    "VISAVIS_PUBLISH_JAEGER", "VISAVIS_PUBLISH_PROMETHEUS", "VISAVIS_PUBLISH_REST", "VISAVIS_REDIS_IMAGE",
    "VISAVIS_STORE_ENDPOINT", "VISAVIS_STORE_IMAGE", "VISAVIS_STORE_SECRET", "VISAVIS_STORE_USER", "VISAVIS_TAG",
})  # fmt: skip
"""No settings of ours: what docker-compose.yml and deploy/ put in its place before anything of ours is started."""
OF_TESTS = frozenset({"VISAVIS_IMAGE_BASE"})
"""What `make test` reads."""


def variables_of(kind: type[BaseSettings], name: str, field: FieldInfo) -> tuple[str, ...]:
    """The variables that a field is read from, the first that is set."""
    match field.validation_alias:
        case AliasChoices(choices=choices):
            return tuple(str(one) for one in choices)
        case str(alias):
            return (alias,)
        case _:
            return (f"{kind.model_config.get('env_prefix', '')}{name}".upper(),)


def wrong() -> dict[str, list[str]]:
    """What is wrong with variables, a sentence each, and who would not start for it: services, the command line."""
    found: dict[str, list[str]] = {}
    for reader, kind in READERS.items():
        for sentence in wrong_variables(kind) or _wrong_texts(kind):
            found.setdefault(sentence, []).append(reader)
    return found


def unread(names: Iterable[str]) -> dict[str, str]:
    """Those of `names` that begin as ours do and that nobody reads, each with the one that may be meant, or empty."""
    known = {
        variable for kind in READERS.values()
        for name, field in kind.model_fields.items() for variable in variables_of(kind, name, field)
    }  # fmt: skip
    strange = sorted({name for name in names if name.upper().startswith(PREFIX)})
    return {
        name: next(iter(get_close_matches(name.upper(), known, n=1, cutoff=0.8)), "")
        for name in strange
        if name.upper() not in known | OF_FUNCTION | OF_COMPOSE | OF_TESTS
    }


def _wrong_texts(kind: type[BaseSettings]) -> list[str]:
    """What is wrong with texts that have a form of their own, such as networks: properties read them."""
    settings, found = kind(), []
    for owner in kind.__mro__[: kind.__mro__.index(BaseSettings)]:
        for name in (name for name, member in vars(owner).items() if isinstance(member, property)):
            try:
                getattr(settings, name)
            except Misconfigured as error:
                found.append(str(error))
    return list(dict.fromkeys(found))
