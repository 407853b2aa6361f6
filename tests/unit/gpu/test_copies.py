"""What is told of the copies that a profile saw."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.gpu.copies import (
    NUMBERS,
    ON_CARD,
    SMALLEST_PICTURE_BYTES,
    TO_CARD,
    TO_HOST,
    UNKNOWN,
    Account,
    Asked,
    Copy,
    Line,
    explained,
    figures,
    unseen,
)

ROOT = Path(__file__).parents[3]
HTOD, DTOH, DTOD, NOBODY_KNOWS = 1, 2, 8, 0
PAGEABLE, PINNED, CARD = 1, 2, 3
PLANE = 1920 * 1080
HEADS = "services.detect.cuda.heads._found"
ELSEWHERE = "services.render.cuda.looking.upright"
VERDICT = "pixels copied between host and card: bytes a frame"


def down(size_bytes: int) -> Copy:
    return Copy(DTOH, CARD, PINNED, True, size_bytes)


def up(size_bytes: int) -> Copy:
    return Copy(HTOD, PINNED, CARD, True, size_bytes)


def test_a_copy_says_from_where_to_where() -> None:
    assert (up(1).way, down(1).way, Copy(DTOD, CARD, CARD, True, 1).way) == (TO_CARD, TO_HOST, ON_CARD)
    assert (Copy(99, CARD, 99, True, 1).way, Copy(99, CARD, 99, True, 1).memories) == (UNKNOWN, "card to unknown")
    assert down(1).memories == "card to pinned"


def test_numbers_that_our_code_asked_for_are_no_pixels_however_many_they_are() -> None:
    account = Account(Counter({down(PLANE): 3}), Counter({Asked(TO_HOST, PLANE, HEADS): 3}))
    assert explained(account) == [Line(TO_HOST, PLANE, 3, NUMBERS[HEADS], are_pixels=False)]


def test_what_another_place_of_ours_asked_for_counts_as_pixels_however_small() -> None:
    account = Account(Counter({down(10): 2}), Counter({Asked(TO_HOST, 10, ELSEWHERE): 2}))
    assert explained(account) == [Line(TO_HOST, 10, 2, f"pixels? by {ELSEWHERE}", are_pixels=True)]


def test_what_nobody_of_ours_asked_for_counts_as_pixels_from_the_size_of_a_picture_on() -> None:
    small, large = SMALLEST_PICTURE_BYTES - 1, SMALLEST_PICTURE_BYTES
    lines = explained(Account(Counter({up(small): 1, up(large): 1})))
    assert [(line.size_bytes, line.are_pixels) for line in lines] == [(large, True), (small, False)]


def test_a_copy_beyond_those_asked_for_is_a_librarys_and_in_doubt_numbers_come_last() -> None:
    asked = Counter({Asked(TO_HOST, PLANE, HEADS): 2, Asked(TO_HOST, PLANE, ELSEWHERE): 1})
    more = explained(Account(Counter({down(PLANE): 5}), asked))
    assert [(line.times, line.are_pixels) for line in more] == [(2, False), (2, True), (1, True)]
    fewer = explained(Account(Counter({down(PLANE): 2}), asked))
    assert sum(line.times for line in fewer if line.are_pixels) == 1


def test_a_copy_of_unknown_way_counts_as_pixels_and_one_on_the_card_does_not() -> None:
    seen = Counter({Copy(NOBODY_KNOWS, 0, 0, False, PLANE): 1, Copy(DTOD, CARD, CARD, True, PLANE): 7})
    assert [(line.way, line.times, line.are_pixels) for line in explained(Account(seen))] == [(UNKNOWN, 1, True)]


def test_what_was_asked_for_and_not_seen_is_counted() -> None:
    asked = Counter({Asked(TO_HOST, 8, HEADS): 3, Asked(TO_CARD, 8, HEADS): 1, Asked(TO_HOST, 8, ELSEWHERE): 1})
    assert unseen(Account(Counter({down(8): 3, up(8): 2}), asked)) == 1


def test_probes_are_taken_out_and_one_that_was_not_seen_makes_the_profile_blind() -> None:
    account = Account(Counter({down(4099): 4, up(4099): 2, Copy(HTOD, PAGEABLE, CARD, False, 4099): 1}))
    clear = account.without(Counter({(TO_HOST, 4099): 3, (TO_CARD, 4099): 3}))
    assert (clear.seen, clear.blind) == (Counter({down(4099): 1}), "")
    blind = account.without(Counter({(TO_HOST, 4099): 5}))
    assert blind.blind == f"It saw 4 of 5 copies of 4099 bytes {TO_HOST}."
    told = figures({"finders": blind, "painters": clear}, 10, PLANE * 3 // 2)
    assert told["profile"] == f"not to be trusted. {blind.blind}"
    assert VERDICT not in told


def test_figures_are_of_a_frame_by_role_and_in_sum() -> None:
    finders = Account(
        Counter({down(1000): 10, up(400): 20, Copy(DTOD, CARD, CARD, True, PLANE): 10}),
        Counter({Asked(TO_HOST, 1000, HEADS): 10}),
    )
    painters = Account(Counter({down(PLANE): 5, down(3): 1}))
    told = figures({"finders": finders, "painters": painters}, 10, 3_110_400, rows=2)
    assert told[VERDICT] == PLANE // 2
    assert told["a picture: bytes"] == 3_110_400
    assert told["finders, card to host: bytes a frame"] == 1000
    assert told["finders, host to card: copies a frame"] == 2
    assert told["finders, on the card: bytes a frame"] == PLANE
    assert told["all, card to host: copies a frame"] == 1.6
    assert told["largest copy, card to host: bytes"] == PLANE
    assert told["largest copy, host to card: bytes"] == 400
    assert told["between host and card, pinned to card, asynchronous: bytes a frame"] == 800
    assert told[f"card to host, {PLANE} bytes, pixels? by a library: copies a frame"] == 0.5
    assert told[f"card to host, 1000 bytes, {NUMBERS[HEADS]}: copies a frame"] == 1
    assert told["the other 2 kinds: bytes a frame"] == 800.3


def test_nothing_between_host_and_card_is_none_in_every_figure() -> None:
    told = figures({"painters": Account(Counter({Copy(DTOD, CARD, CARD, True, PLANE): 2}))}, 2, PLANE)
    assert (told[VERDICT], told["largest copy, card to host: bytes"]) == (0, 0)
    assert told["all, card to host: bytes a frame"] == told["all, host to card: bytes a frame"] == 0
    assert told["copies of CUDA graphs are seen"] == "yes"


def test_places_that_have_numbers_copied_are_there() -> None:
    for place in NUMBERS:
        module, _, function = place.rpartition(".")
        source = (ROOT / f"{module.replace('.', '/')}.py").read_text()
        assert f"def {function}(" in source, place
