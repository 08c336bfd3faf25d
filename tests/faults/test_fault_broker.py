"""A broker that restarts, dies, is away for minutes, or is behind a network in bad order."""

import random
from pathlib import Path

import pytest

from sightline.stack.triton import LocalTriton
from tests.faults.plant import Plant
from tests.faults.proxy import ProxiedKafka
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import ALL_STREAMS, DETECTION_STREAMS

pytestmark = pytest.mark.long


def test_the_broker_is_restarted_in_good_order(
    plant: Plant, reference: Reference, prefix: str, report: Report
) -> None:
    sender = plant.send(prefix, ALL_STREAMS, 100_000)
    plant.until_begun(sender)
    plant.stop("kafka")
    plant.restart("kafka")
    recovery_s = plant.until_flowing(sender)
    repeats = reference.finish(plant, sender)
    report.add("broker restarted in good order", 1, recovery_s=round(recovery_s, 1), repeats=repeats)


def test_the_broker_is_killed_many_times_and_no_stage_stalls(
    plant: Plant, reference: Reference, prefix: str, report: Report
) -> None:
    rng = random.Random(6)
    kills = 10
    sender = plant.send(prefix, ALL_STREAMS, 100_000, frames_per_s=4)
    plant.until_begun(sender)
    recoveries_s = []
    restarts = {name: plant.restarts(name) for name in plant.stages}
    for _ in range(kills):
        plant.kill("kafka")
        recoveries_s.append(round(plant.until_flowing(sender), 1))
        plant.run_for(rng.uniform(0.0, 4.0))
    ended = {name: plant.restarts(name) - count for name, count in restarts.items()}
    repeats = reference.finish(plant, sender)
    report.add("kill -9 of the broker", kills, recoveries_s=recoveries_s, stages_ended=ended, repeats=repeats)


def test_the_broker_is_killed_under_workers_with_names_of_their_own(
    tmp_path: Path, model_repository: Path, reference: Reference, prefix: str, report: Report
) -> None:
    rng = random.Random(82)
    kills = 5
    triton = LocalTriton(model_repository, ["analyzer"], tmp_path / "triton.log")
    with Plant(tmp_path, triton=triton) as plant:
        plant.start("write")
        plant.start("track", track__instance_id="one")
        plant.start("infer", infer__instance_id="one")
        sender = plant.send(prefix, ALL_STREAMS, 100_000, frames_per_s=4)
        plant.until_begun(sender)
        recoveries_s = []
        for _ in range(kills):
            plant.kill("kafka")
            recoveries_s.append(round(plant.until_flowing(sender), 1))
            plant.run_for(rng.uniform(0.0, 4.0))
        repeats = reference.finish(plant, sender)
        ended = {name: plant.restarts(name) for name in plant.stages}
    report.add(
        "kill -9 of the broker, static membership",
        kills,
        recoveries_s=recoveries_s,
        stages_ended=ended,
        repeats=repeats,
    )


def test_a_broker_that_is_away_for_two_minutes(
    plant: Plant, reference: Reference, prefix: str, report: Report
) -> None:
    sender = plant.send(prefix, ALL_STREAMS, 100_000)
    plant.until_begun(sender)
    plant.stop("kafka")
    plant.run_for(120)
    plant.restart("kafka")
    recovery_s = plant.until_flowing(sender)
    repeats = reference.finish(plant, sender)
    report.add("broker down for 2 minutes", 1, recovery_s=round(recovery_s, 1), repeats=repeats)


def test_a_network_that_is_cut_for_half_a_minute_and_one_that_is_slow(
    tmp_path: Path, reference: Reference, prefix: str, report: Report
) -> None:
    kafka = ProxiedKafka(tmp_path / "kafka")
    with kafka.proxy as proxy, Plant(tmp_path, kafka=kafka, broker=lambda _: kafka.proxied) as plant:
        plant.start("write")
        plant.start("track")
        sender = plant.send(prefix, DETECTION_STREAMS, 100_000)
        plant.until_begun(sender)
        assert proxy.connections > 0
        proxy.cut()
        plant.run_for(30)
        proxy.mend()
        recovery_s = plant.until_flowing(sender)
        proxy.latency_s = 0.1  # each way
        plant.run_for(20)
        slow_s = plant.until_flowing(sender)
        proxy.latency_s = 0.0
        repeats = reference.finish(plant, sender)
    report.add("network to the broker cut for 30 s", 1, recovery_s=round(recovery_s, 1), repeats=repeats)
    report.add("200 ms of latency to the broker for 20 s", 1, flowing_after_s=round(slow_s, 1))
