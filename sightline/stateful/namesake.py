"""Whether another worker has this one's name in the group.

aiokafka's heartbeats do not carry the name, so the broker cannot tell a member that it was fenced. It only
says that it does not know it, and the member joins anew and throws the other out in turn, again and again.
"""

from collections import deque
from typing import Final

from sightline.errors import SightlineError

_MOST_LOSSES: Final = 3


class NameWatch:
    """Counts how often the group has forgotten a member with a name of its own.

    It does when the member's session ends, or when another joins under the name. A session does not end more
    than once in its own length, so several losses in that time mean another member. Of two the one that has
    lost its place more often ends, and leaves it to the other.

    Args:
        instance_id: The name; None counts nothing.
        session_timeout_s: Length of the session, in seconds.
    """

    def __init__(self, instance_id: str | None, session_timeout_s: float) -> None:
        self._instance_id = instance_id
        self._session_timeout_s = session_timeout_s
        self._lost_s: deque[float] = deque(maxlen=_MOST_LOSSES)

    def lost(self, now_s: float) -> SightlineError | None:
        """Take note that the group does not know us any more, before we join again.

        Args:
            now_s: A clock that never jumps, in seconds.

        Returns:
            What to say if another member has the name.
        """
        if self._instance_id is None:
            return None
        self._lost_s.append(now_s)
        if len(self._lost_s) < _MOST_LOSSES or now_s - self._lost_s[0] >= self._session_timeout_s:
            return None
        return SightlineError(
            f"This worker has lost its place in the group {_MOST_LOSSES} times in a row:"
            f" another one has its name, {self._instance_id!r}.",
            "Give each worker an instance_id of its own.",
        )
