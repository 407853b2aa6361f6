from __future__ import annotations

from services.ingest import measuring
from shared.memory.ledger import SlotLedger


def test_slots_are_told_by_memory_and_state_and_add_up() -> None:
    host, card = SlotLedger([10] * 5), SlotLedger([10])
    leased, published, lost = (host.take(1, session) for session in ("a", "a", "b"))
    assert (leased, published, lost) == (0, 1, 2)
    host.publish(1, holder=3)
    host.publish(2, holder=4)
    host.end_session("b", confirmed=False)
    found = {(one["memory"], one["state"]): count for count, one in measuring.slots({"host": host, "card": card})}
    assert found == {
        ("host", "free"): 2,
        ("host", "in_use"): 2,
        ("host", "quarantined"): 1,
        ("card", "free"): 1,
        ("card", "in_use"): 0,
        ("card", "quarantined"): 0,
    }
