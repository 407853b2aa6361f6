"""Looks of the RPC contract: read through their JSON form, so that one checker knows what a look may say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.json_format import MessageToDict, SerializeToJsonError  # type: ignore[import-untyped]  # ships no stubs

from shared.model.errors import Rejected
from shared.model.look_text import look_of_members, refuse_large
from shared.model.looks import Look

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.model.own_effects import EffectOffer
    from visavis.v1 import looks_pb2


def look_of_message(message: looks_pb2.Look, offers: Iterable[EffectOffer] = ()) -> Look:
    """The look of the contract as the model's. offers: effects of others' own that there are.

    Raises Rejected `invalid-look` with the path of the wrong field, as for the same look in JSON.
    """
    refuse_large(message.ByteSize())
    try:
        members = MessageToDict(message, preserving_proto_field_name=True)
    except SerializeToJsonError as error:
        raise Rejected(
            "invalid-look", "The look is not valid: NaN and infinity are no values of `$.own` and `$.faces`."
        ) from error
    own = members.pop("own", {})
    for name in own:
        if name in Look.__struct_fields__:
            raise Rejected("invalid-look", f"The look is not valid: `$.own.{name}` has a field of its own, `$.{name}`.")
    return look_of_members({**members, **own}, offers)
