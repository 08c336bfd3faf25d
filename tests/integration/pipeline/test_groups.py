"""Members of a group that are gone are not taken for those that are to come."""

from contextlib import closing

import pytest
from confluent_kafka import Consumer

from sightline.kafka_clients import consumer
from sightline.pipeline.groups import members_of, wait_for_members
from sightline.settings import KafkaSettings
from sightline.stack.kafka import LocalKafka
from sightline.topic_admin import apply_topics

POLLS = 10


class StillMissingError(Exception):
    """The wait went on."""


def member(settings: KafkaSettings, group: str) -> Consumer:
    """Joins under a name of its own and takes part; the name stays in the group when it closes."""
    joined = consumer(settings, client_id="test", group=group, instance_id="one")
    joined.subscribe(["sightline.frames.v1"])
    while not joined.assignment():
        joined.consume(1, timeout=0.1)
    return joined


def test_a_member_that_is_gone_is_not_waited_for(kafka: LocalKafka) -> None:
    settings = KafkaSettings(bootstrap=kafka.bootstrap, session_timeout_s=60)
    apply_topics(settings)
    assert members_of(settings, ["nobody-yet"]) == set()
    member(settings, "comers").close()
    before = members_of(settings, ["comers"])
    assert len(before) == 1
    polls = 0

    def check() -> None:
        nonlocal polls
        polls += 1
        if polls > POLLS:
            raise StillMissingError

    with pytest.raises(StillMissingError):
        wait_for_members(settings, ["comers"], check, before)
    polls = -1000
    with closing(member(settings, "comers")):
        wait_for_members(settings, ["comers"], check, before)
        assert len(members_of(settings, ["comers"])) == 1
