"""A client that has failed for good still answers for what it holds."""

import logging

import pytest
from confluent_kafka import KafkaError, KafkaException

from producers.account import FrameAccount
from producers.publisher import Publisher
from tests.unit.producers.gateway_fakes import FakeProducer


class Failing(FakeProducer):
    """Raises at the first poll, as a client does that has failed, and answers at the next."""

    has_raised = False

    def poll(self, timeout: float) -> int:
        if not self.has_raised:
            self.has_raised = True
            raise KafkaException(KafkaError(KafkaError._FATAL, "sequence lost", fatal=True))
        return super().poll(timeout)


def test_a_client_that_fails_does_not_leave_frames_without_an_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    account = FrameAccount()
    account.capture()
    with caplog.at_level(logging.ERROR), Publisher(Failing(["broken"])) as publisher:
        assert publisher.try_send("frames", b"cam", b"0", account)
        assert account.wait_settled(10)
    assert account.counters() == {"captured": 1, "published": 0, "dropped.delivery_failed": 1}
    assert "sequence lost" in caplog.text
