"""Waits until the consumer groups have members that take part."""

import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import Any, Final

from confluent_kafka import ConsumerGroupState, KafkaException

from sightline.errors import SightlineError
from sightline.kafka_clients import admin
from sightline.settings import KafkaSettings

TIMEOUT_S: Final = 60.0
POLL_S: Final = 0.2


def members_of(settings: KafkaSettings, groups: Sequence[str]) -> set[str]:
    """The member ids in some groups; those of processes that are gone stay until their session ends."""
    client = admin(settings)  # the answers come only while it lives
    described = _describe(client, groups)
    return {member.member_id for group in described.values() for member in group.members}


def wait_for_members(
    settings: KafkaSettings, groups: Sequence[str], check: Callable[[], object], before: Collection[str] = ()
) -> None:
    """Wait until each group is stable with at least one member that is new.

    Args:
        settings: The broker.
        groups: Names of the consumer groups.
        check: Called between two looks; raises if waiting has become pointless.
        before: Ids of members that do not count. A member that comes back under its name has a new id.

    Raises:
        SightlineError: A group is not there in time.
    """
    client = admin(settings)
    deadline_s = time.monotonic() + TIMEOUT_S
    missing = set(groups)
    while missing:
        check()
        for name, group in _describe(client, sorted(missing)).items():
            new = {member.member_id for member in group.members}.difference(before)
            if group.state == ConsumerGroupState.STABLE and new:
                missing.discard(name)
        if missing and time.monotonic() > deadline_s:
            raise SightlineError(
                f"No member of {', '.join(sorted(missing))} is at work after {TIMEOUT_S:.0f} s.",
                "Look into the logs of the data folder.",
            )
        time.sleep(POLL_S)


def _describe(client: Any, groups: Sequence[str]) -> dict[str, Any]:
    """The groups that the broker knows; the coordinator of a group may not know it yet."""
    found = {}
    for name, future in client.describe_consumer_groups(list(groups)).items():
        with suppress(KafkaException):
            found[name] = future.result()
    return found
