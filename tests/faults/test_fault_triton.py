"""A Triton that is away or slow: frames wait, and none is blamed for it but one that is to blame."""

from pathlib import Path

import msgpack
import pytest

from sightline.stack.triton import LocalTriton
from tests.faults.plant import Plant
from tests.faults.recording import FRAMES as FRAMES_TOPIC
from tests.faults.recording import VIDEO_STREAMS, message
from tests.faults.reference import Reference
from tests.faults.report import Report
from tests.faults.sender import ALL_STREAMS, Odd, publish
from tests.faults.trouble import troubled

pytestmark = pytest.mark.long

FRAMES = 400
TIMEOUT_S = 2
TROUBLES = ("memory", "death")


def test_a_triton_that_is_down_for_20_s_and_killed_again_and_again(
    plant: Plant, reference: Reference, prefix: str, report: Report
) -> None:
    reference.reach(FRAMES)
    sender = plant.send(prefix, ALL_STREAMS, FRAMES)
    plant.until_begun(sender)
    plant.stop("triton")
    plant.run_for(20)
    plant.restart("triton")
    plant.run_for(8)
    for _ in range(2):
        plant.kill("triton")
        plant.run_for(5)
    plant.until(lambda: sender.done, "the load to be sent")
    repeats = reference.check(plant, prefix, ALL_STREAMS, FRAMES)
    report.add("Triton down for 20 s, then killed twice", 1, repeats=repeats)


def test_a_triton_that_is_slow_and_frames_that_take_all_its_memory_or_kill_it(
    tmp_path: Path, model_repository: Path, reference: Reference, prefix: str, report: Report
) -> None:
    reference.reach(FRAMES)
    version = troubled(model_repository, tmp_path / "repository")
    triton = LocalTriton(tmp_path / "repository", ["analyzer"], tmp_path / "triton.log")
    with Plant(tmp_path, triton=triton, settings={"triton.timeout_s": TIMEOUT_S}) as plant:
        for command in ("write", "track", "infer"):
            plant.start(command)
        sender = plant.send(prefix, VIDEO_STREAMS, FRAMES)
        plant.until_begun(sender)
        slow = version / "slow_s"
        slow.write_text(str(2 * TIMEOUT_S))
        plant.run_for(20)
        slow.unlink()
        slow_s = plant.until_flowing(sender)
        assert plant.restarts("triton") == 0
        places = publish(plant.kafka.bootstrap, map(troublesome, TROUBLES))
        plant.until(lambda: plant.verifier.letters().keys() >= {*places}, f"letters for {places}")
        plant.until(lambda: sender.done, "the load to be sent")
        repeats = reference.check(plant, prefix, VIDEO_STREAMS, FRAMES)
        assert plant.verifier.letters() == dict.fromkeys(places, 1)
        killed = plant.restarts("triton")
    assert killed > 0, "the frame that kills Triton did not"
    report.add("Triton slower than its time-out for 20 s", 1, flowing_after_s=round(slow_s, 1))
    report.add(
        "frames that take all of Triton's memory, or kill it", len(places), kills=killed, repeats=repeats
    )


def troublesome(trouble: str) -> Odd:
    """A frame of a stream of its own that makes this trouble."""
    stream = f"trouble.{trouble}"
    fields = msgpack.unpackb(message("v0", stream, 0))
    jpeg, comment = fields["jpeg"], f"trouble:{trouble}".encode()
    marked = jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]
    return Odd(FRAMES_TOPIC, stream.encode(), msgpack.packb(fields | {"jpeg": marked}))
