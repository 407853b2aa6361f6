"""What a DELETE has done, as the OpenAPI document says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from services.gateway.jobs.removal import Removed

_JOB = "4f8a0k2m9x7c1v5b3n6q"


class RemovedDocument(BaseModel):
    """How much was taken away, by where it lay."""

    model_config = ConfigDict(from_attributes=True)

    objects: int = Field(description="Of the object store: upload, parts, result, and the job's entry.")
    requests: int = Field(description="Work that waited for a lane, or was with one.")
    events: int = Field(description="What was told of the job.")
    dead_letters: int = Field(description="Work that was given up.")
    contexts: int = Field(description="What a function has kept of faces from one segment for the next.")


class RemovalDocument(BaseModel):
    """What a DELETE has done."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _JOB, "state": "removed",
                    "removed": {"objects": 2, "requests": 0, "events": 14, "dead_letters": 0, "contexts": 0},
                }
            ]
        }
    )  # fmt: skip

    id: str
    state: Literal["cancelled", "removed"] = Field(
        description="`cancelled`: the job stays known, without media; another DELETE removes it. `removed`: nothing is "
        "left of it."
    )
    removed: RemovedDocument

    @classmethod
    def of(cls, job: str, state: Literal["cancelled", "removed"], removed: Removed) -> RemovalDocument:
        """The document of a removal."""
        return cls(id=job, state=state, removed=RemovedDocument.model_validate(removed))
