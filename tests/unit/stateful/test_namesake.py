"""Another member of one name is told from a session that has ended."""

from hypothesis import given
from hypothesis import strategies as st

from sightline.stateful.namesake import NameWatch

SESSION_S = 12.0


def test_a_member_that_is_thrown_out_again_and_again_has_a_namesake() -> None:
    watch = NameWatch("a", SESSION_S)
    said = [watch.lost(now_s) for now_s in (5.0, 5.3, 5.6)]
    assert said[:2] == [None, None]
    assert "'a'" in str(said[2])


@given(st.lists(st.floats(SESSION_S, 1000.0), max_size=20))
def test_sessions_that_end_are_no_namesake(pauses_s: list[float]) -> None:
    watch = NameWatch("a", SESSION_S)
    now_s = 0.0
    assert watch.lost(now_s) is None
    for pause_s in pauses_s:
        now_s += pause_s
        assert watch.lost(now_s) is None


def test_a_member_without_a_name_has_no_namesake() -> None:
    watch = NameWatch(None, SESSION_S)
    assert [watch.lost(number * 0.1) for number in range(10)] == [None] * 10
