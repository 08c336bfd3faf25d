"""Bad records on every topic are answers, not crashes: each is named once, and their neighbours are whole."""

from tests.faults.plant import PARTITIONS, Plant
from tests.faults.poison import READ_TOPICS, poison
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import ALL_STREAMS, Odd, Place, publish

FRAMES = 100


def publish_poison(bootstrap: str, stream_id: str) -> dict[Place, str]:
    """Put poison into each partition of each topic; what is wrong with the record at each place."""
    records: list[Odd] = []
    wrong: list[str] = []
    for topic in READ_TOPICS:
        for number, (what, value) in enumerate(poison(topic, stream_id).items()):
            records.append(Odd(topic, stream_id.encode(), value, number % PARTITIONS))
            wrong.append(what)
    return dict(zip(publish(bootstrap, records), wrong, strict=True))


def test_poison_on_every_topic_is_named_once_and_hurts_no_neighbour(
    plant: Plant, reference: Reference, prefix: str, report: Report
) -> None:
    reference.reach(FRAMES)
    restarts = {name: plant.restarts(name) for name in (*plant.stages, "triton")}
    sender = plant.send(prefix, ALL_STREAMS, FRAMES, frames_per_s=20)
    plant.until(lambda: sender.position > 20, "some load")
    places = publish_poison(plant.kafka.bootstrap, f"poison.{prefix}")
    verifier = plant.verifier
    plant.until(lambda: sender.done, "the load to be sent")
    plant.until(
        lambda: places.keys() <= verifier.letters().keys(), f"a letter for each of {len(places)} records"
    )
    reference.check(plant, prefix, ALL_STREAMS, FRAMES)
    letters = verifier.letters()
    assert {places[place]: letters[place] for place in places if letters[place] != 1} == {}
    assert {name: plant.restarts(name) for name in restarts} == restarts, plant.last_words(40)
    report.add("bad records on every topic", len(places))
