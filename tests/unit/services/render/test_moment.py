from services.render.moment import BEGINNING, Moment


def test_a_still_is_shown_at_the_beginning_and_nobody_has_said_where_people_are() -> None:
    assert Moment(seconds=0.0, people=None) == BEGINNING
