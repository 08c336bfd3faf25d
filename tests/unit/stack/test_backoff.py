"""When a crashed process is started again, and when it is given up."""

from hypothesis import given
from hypothesis import strategies as st

from sightline.stack.backoff import CrashHistory, RestartPolicy, after_crash

POLICY = RestartPolicy(first_delay_s=1.0, factor=2.0, longest_delay_s=5.0, max_crashes=5, window_s=60.0)


def waits(policy: RestartPolicy, crashes_s: list[float]) -> list[float | None]:
    history, found = CrashHistory(), []
    for now_s in crashes_s:
        history, restart_at_s = after_crash(policy, history, now_s)
        found.append(None if restart_at_s is None else restart_at_s - now_s)
    return found


def test_each_crash_doubles_the_wait_until_the_process_is_given_up() -> None:
    assert waits(POLICY, [100, 102, 105, 110, 116]) == [1.0, 2.0, 4.0, 5.0, None]


def test_a_process_that_crashes_seldom_is_started_again_for_ever() -> None:
    assert waits(POLICY, [minutes * 61.0 for minutes in range(50)]) == [1.0] * 50


def test_four_crashes_in_any_minute_are_borne() -> None:
    assert None not in waits(POLICY, [seconds * 16.0 for seconds in range(40)])


@given(st.lists(st.floats(0, 300), min_size=1, max_size=40))
def test_the_wait_stays_in_its_bounds_and_the_fifth_crash_in_a_minute_ends_it(gaps_s: list[float]) -> None:
    times_s = [sum(gaps_s[: index + 1]) for index in range(len(gaps_s))]
    for index, wait_s in enumerate(waits(POLICY, times_s)):
        in_window = sum(times_s[index] - each < POLICY.window_s for each in times_s[: index + 1])
        assert (wait_s is None) == (in_window >= POLICY.max_crashes)
        assert wait_s is None or 0.9 < wait_s < 5.1
