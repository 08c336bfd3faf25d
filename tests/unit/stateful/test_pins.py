"""What the driver relies on in Faust and aiokafka beyond their documented API.

A failure here means that a new version changed it: read the new source of what is named, adapt
`sightline/stateful/transport.py` or `table.py`, run the fault tests, then change the expectation.
"""

import hashlib
import inspect
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.producer.message_accumulator import BatchBuilder, MessageAccumulator
from aiokafka.producer.sender import SendProduceReqHandler
from faust.app.base import App
from faust.assignor.partition_assignor import PartitionAssignor
from faust.tables.base import Collection
from faust.tables.manager import TableManager
from faust.tables.recovery import Recovery
from faust.transport import consumer as base
from faust.transport.drivers import aiokafka as driver


def test_the_versions_are_those_that_were_proved() -> None:
    assert (version("faust-streaming"), version("aiokafka")) == ("0.15.3", "0.14.0")


SIGNATURES: dict[Callable[..., Any], str] = {
    base.Consumer.perform_seek: "self",
    base.Consumer.on_partitions_revoked: "self revoked",
    base.Consumer.on_buffer_full: "self tp",
    base.Consumer.on_buffer_drop: "self tp",
    base.Consumer.resume_partitions: "self tps",
    base.Consumer._drain_messages: "self fetcher",
    base.Consumer._get_active_partitions: "self",
    base.Consumer.commit: "self topics start_new_transaction",
    driver.AIOKafkaConsumerThread._create_worker_consumer: "self transport",
    driver.AIOKafkaConsumerThread._fetch_records: "self consumer active_partitions timeout max_records",
    driver.AIOKafkaConsumerThread._seek_wait: "self consumer partitions",
    driver.AIOKafkaConsumerThread._commit: "self offsets",
    driver.Consumer._new_consumer_thread: "self",
    driver.Consumer._to_message: "self tp record",
    driver.Consumer.verify_event_path: "self now tp",
    driver.Producer._settings_extra: "self",
    driver.Producer._ensure_producer: "self",
    Collection._new_store: "self",
    Collection.on_rebalance: "self assigned revoked newly_assigned generation_id",
    AIOKafkaProducer.create_batch: "self",
    AIOKafkaProducer.send_batch: "self batch topic partition",
    BatchBuilder.append: "self timestamp key value headers",
}


@pytest.mark.parametrize("function", SIGNATURES, ids=lambda function: function.__qualname__)
def test_what_is_overridden_or_called_has_its_signature(function: Callable[..., Any]) -> None:
    assert " ".join(inspect.signature(function).parameters) == SIGNATURES[function]


# Their behaviour is relied upon, not only their signature: the order of recovery and seeking, that a
# rebalance stops the flow first, that the base class seeks before its first await, that an idempotent batch
# is retried for ever. The value is a digest of their source.
SOURCES: dict[tuple[type, str], str] = {
    (App, "_on_partitions_revoked"): "d5c895bbe57d",
    (App, "_on_partitions_assigned"): "de932b7927db",
    (App, "_stop_consumer"): "55854a5de12c",
    (TableManager, "on_rebalance"): "2d2c23a07bf5",
    (Recovery, "on_rebalance"): "aa4d997a1795",
    (Recovery, "_add"): "1584a197b11b",
    (Recovery, "_restart_recovery"): "6bd8a8558a2d",
    (Recovery, "on_recovery_completed"): "6ef567acf072",
    (Recovery, "_slurp_changelogs"): "7825c7e50f76",
    (PartitionAssignor, "_get_copartitioned_groups"): "82b7a3764ad5",
    (base.Consumer, "on_partitions_revoked"): "d04b7ae72c6f",
    (base.Consumer, "on_partitions_assigned"): "29ce96596f05",
    (base.Consumer, "_drain_messages"): "44a2500309e8",
    (driver.AIOKafkaConsumerThread, "_fetch_records"): "39a2c6c79fc1",
    (driver.AIOKafkaConsumerThread, "_seek_wait"): "9d221e816d94",
    (GroupCoordinator, "reset_generation"): "537aa37c531b",
    (Fetcher, "fetched_records"): "be4348896b9b",
    (MessageAccumulator, "add_batch"): "5ed1c5b1367a",
    (MessageAccumulator, "_pop_batch"): "41cc98a298ef",
    (SendProduceReqHandler, "_can_retry"): "7ff5d491d977",
}


def digest(owner: type, name: str) -> str:
    function = getattr(owner, name)
    source = inspect.getsource(getattr(function, "fun", function))  # Faust wraps its background tasks
    return hashlib.sha256(source.encode()).hexdigest()[:12]


@pytest.mark.parametrize(("owner", "name"), SOURCES, ids=lambda each: getattr(each, "__name__", each))
def test_what_is_relied_upon_reads_as_it_did(owner: type, name: str) -> None:
    assert digest(owner, name) == SOURCES[owner, name]
