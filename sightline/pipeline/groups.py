"""Waits until the consumer groups have members that take part."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from confluent_kafka import ConsumerGroupState, KafkaException

from sightline.errors import SightlineError
from sightline.kafka_clients import admin
from sightline.settings import KafkaSettings

TIMEOUT_S: Final = 60.0
POLL_S: Final = 0.2


def wait_for_members(settings: KafkaSettings, groups: Sequence[str], check: Callable[[], object]) -> None:
    """Wait until each group is stable with at least one member.

    Args:
        settings: The broker.
        groups: Names of the consumer groups.
        check: Called between two looks; raises if waiting has become pointless.

    Raises:
        SightlineError: A group is not there in time.
    """
    client = admin(settings)
    deadline_s = time.monotonic() + TIMEOUT_S
    missing = set(groups)
    while missing:
        check()
        for name, future in client.describe_consumer_groups(sorted(missing)).items():
            try:
                group = future.result()
            except KafkaException:
                continue  # the coordinator may not know the group yet
            if group.state == ConsumerGroupState.STABLE and group.members:
                missing.discard(name)
        if missing and time.monotonic() > deadline_s:
            raise SightlineError(
                f"No member of {', '.join(sorted(missing))} is at work after {TIMEOUT_S:.0f} s.",
                "Look into the logs of the data folder.",
            )
        time.sleep(POLL_S)
