"""When a crashed process is started again, and when it is given up: pure decisions, the time is passed in."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How patient a supervisor is with a process that crashes.

    Attributes:
        first_delay_s: Wait before the first restart.
        factor: Each further crash within the window multiplies the wait by this.
        longest_delay_s: The wait never exceeds this.
        max_crashes: So many crashes within the window are a crash loop: the process is given up.
        window_s: Crashes older than this are forgotten.
    """

    first_delay_s: float = 0.5
    factor: float = 2.0
    longest_delay_s: float = 15.0
    max_crashes: int = 5
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class CrashHistory:
    """The crashes of one process that still count: times in seconds of a monotonic clock, oldest first."""

    crashes_s: tuple[float, ...] = ()


def after_crash(
    policy: RestartPolicy, history: CrashHistory, now_s: float
) -> tuple[CrashHistory, float | None]:
    """Decide what follows a crash.

    Args:
        policy: The rules.
        history: The crashes before this one.
        now_s: When it crashed.

    Returns:
        The new history, and the time to start again; None gives the process up.
    """
    recent = (*(each for each in history.crashes_s if now_s - each < policy.window_s), now_s)
    if len(recent) >= policy.max_crashes:
        return CrashHistory(recent), None
    delay_s = min(policy.longest_delay_s, policy.first_delay_s * policy.factor ** (len(recent) - 1))
    return CrashHistory(recent), now_s + delay_s
