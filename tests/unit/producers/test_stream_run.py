"""One stream from source to a scripted broker: whatever fails and when, every frame is accounted for."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from producers.account import FrameAccount
from producers.encoding import Grabbed
from producers.limits import FrameRefusedError
from producers.publisher import Publisher
from producers.sources import Gap, Picture, Source
from producers.stopping import StreamStop
from producers.stream import Outcome, StreamPlan, StreamRun
from sightline.errors import SightlineError
from tests.unit.producers.gateway_fakes import (
    FakeProducer,
    FakeSource,
    encode_number,
    encoder_that_fails,
    image_error,
)

WORDS = ("stored", "full", "too_large", "timeout", "broken")


class Stage:
    """A stream run with all that it needs."""

    def __init__(self, source: Source, script: list[str] | None = None, **plan: Any) -> None:
        self.producer = FakeProducer(script or [])
        self.account = FrameAccount(paced=plan.get("max_ahead") is not None)
        self.stop = StreamStop()
        self.publisher = Publisher(self.producer)
        given_plan: dict[str, Any] = {
            "encode": encode_number,
            "open": lambda: source,
            "max_in_flight": 8,
            "max_ahead": None,
        } | plan
        self.run_ = StreamRun(
            StreamPlan(stream_id="cam", epoch=7, topic="frames", **given_plan),
            self.publisher,
            self.account,
            self.stop,
            lambda: 1_000,
        )

    def run(self) -> Outcome:
        with self.in_background() as background:
            background.thread.join(20)
            assert not background.thread.is_alive(), "the stream did not end"
        assert background.outcome is not None
        assert self.account.in_flight == 0
        return background.outcome

    def in_background(self) -> "Background":
        return Background(self)

    @property
    def counters(self) -> dict[str, int]:
        return self.account.counters()


class Background:
    """Runs a stage in a thread; joins it, and fails if it hangs."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.outcome: Outcome | None = None

    def _run(self) -> None:
        self.outcome = self._stage.run_.run()

    def __enter__(self) -> "Background":
        self._stage.publisher.__enter__()
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stage.stop.set()
        self.thread.join(20)
        alive = self.thread.is_alive()
        self._stage.publisher.__exit__(None, None, None)
        assert not alive, "the stream did not stop"


def wait_until(condition: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(2000):
        if condition():
            return
        waiting.wait(0.005)
    raise AssertionError("it did not come to that")


def assert_accounted(counters: dict[str, int]) -> None:
    dropped = sum(count for name, count in counters.items() if name.startswith("dropped."))
    assert counters["captured"] == counters["published"] + dropped


@settings(max_examples=40, deadline=None)
@given(script=st.lists(st.sampled_from(WORDS), max_size=40), count=st.integers(0, 30))
def test_a_file_loses_only_what_the_broker_refuses_and_says_why(script: list[str], count: int) -> None:
    stage = Stage(FakeSource(count), list(script))
    outcome = stage.run()
    assert outcome.state == "ended"
    assert stage.counters["captured"] == count
    assert_accounted(stage.counters)
    # A full queue is waited for, so each frame meets the next word that is another.
    words = [word for word in script if word != "full"][:count]
    words += ["stored"] * (count - len(words))
    assert [int(value) for value in stage.producer.stored] == [
        seq for seq, word in enumerate(words) if word == "stored"
    ]
    names = {
        "too_large": "dropped.too_large",
        "timeout": "dropped.delivery_timeout",
        "broken": "dropped.delivery_failed",
    }
    for word, name in names.items():
        assert stage.counters.get(name, 0) == words.count(word)


@settings(max_examples=40, deadline=None)
@given(
    script=st.lists(st.sampled_from(WORDS), max_size=40),
    count=st.integers(0, 40),
    max_in_flight=st.integers(1, 8),
)
def test_a_camera_drops_with_a_reason_and_keeps_order(
    script: list[str], count: int, max_in_flight: int
) -> None:
    stage = Stage(FakeSource(count, live=True), list(script), max_in_flight=max_in_flight)
    outcome = stage.run()
    assert outcome.state == "ended"
    assert stage.counters["captured"] == count
    assert_accounted(stage.counters)
    stored = [int(value) for value in stage.producer.stored]
    assert stored == sorted(set(stored))
    assert stage.counters["published"] == len(stored)


@settings(max_examples=30, deadline=None)
@given(
    bad=st.dictionaries(
        st.integers(0, 12),
        st.sampled_from([image_error(), ValueError("odd"), SightlineError("The model is gone.")]),
    ),
    live=st.booleans(),
)
def test_a_frame_that_cannot_be_encoded_is_accounted_for(bad: dict[int, Exception], live: bool) -> None:
    source = FakeSource(10, live=live)
    stage = Stage(source, encode=encoder_that_fails(bad), max_in_flight=100)
    outcome = stage.run()
    assert_accounted(stage.counters)
    assert source.closed or live
    fatal = [seq for seq, error in sorted(bad.items()) if not isinstance(error, type(image_error()))]
    if not live:
        assert outcome.state == ("failed" if any(seq < 10 for seq in fatal) else "ended")


def test_frames_that_are_refused_are_counted_and_the_last_ones_reason_is_told() -> None:
    bad: dict[int, Exception] = {
        seq: FrameRefusedError("over_limit", f"its width is {seq}") for seq in (1, 2, 5)
    }
    stage = Stage(FakeSource(8), encode=encoder_that_fails(bad | {7: image_error()}))
    said = (
        "Frames dropped as not_encodable: 1; of the last one, it cannot be encoded. "
        "Frames dropped as over_limit: 3; of the last one, its width is 5."
    )
    assert stage.run() == Outcome("ended", said)
    assert stage.run_.message == said
    expected = {"captured": 8, "published": 4, "dropped.over_limit": 3, "dropped.not_encodable": 1}
    assert stage.counters == expected


def test_a_source_that_cannot_be_opened_fails_with_its_own_words() -> None:
    def refuse() -> Source:
        raise SightlineError("There is no video file x.", "Check the path.")

    outcome = Stage(FakeSource(1), open=refuse).run()
    assert outcome == Outcome("failed", "There is no video file x. Check the path.")


@pytest.mark.parametrize("kind", [SightlineError, ValueError])
def test_no_password_in_an_error_of_a_library_is_told(kind: type[Exception], caplog: Any) -> None:
    source = "rtsp://admin:S3 cr3T@cam/1?token=S3cr3T"

    def opened() -> Source:
        raise kind(f"401 for '{source}' (rtsp://admin:S3cr3T@cam:554/1)")

    outcome = Stage(FakeSource(0), open=opened, address=source).run()
    assert outcome.state == "failed"
    assert "401 for 'rtsp://***@cam/1?token=***' (rtsp://***@cam:554/1)" in outcome.message
    assert outcome.message in caplog.text or kind is ValueError
    for secret in ("S3", "cr3T"):
        assert secret not in outcome.message + caplog.text


def test_an_error_in_the_middle_of_a_live_source_fails_the_stream() -> None:
    def fail(index: int) -> None:
        if index == 3:
            raise SightlineError("The camera burnt down.")

    stage = Stage(FakeSource(None, live=True, before=fail))
    assert stage.run() == Outcome("failed", "The camera burnt down.")
    assert stage.counters["captured"] == 3
    assert_accounted(stage.counters)


def test_a_producer_beyond_repair_fails_the_stream_and_counts_the_frame() -> None:
    stage = Stage(FakeSource(None), ["stored", "fatal"])
    assert stage.run().state == "failed"
    assert stage.counters == {"captured": 2, "published": 1, "dropped.delivery_failed": 1}


@pytest.mark.parametrize("live", [False, True])
def test_a_stop_ends_an_endless_source_with_every_frame_accounted_for(live: bool) -> None:
    stage = Stage(FakeSource(None, live=live))
    with stage.in_background() as background:
        wait_until(lambda: stage.counters["published"] > 20)
    assert background.outcome == Outcome("ended", "" if live else "Stopped before its end.")
    assert_accounted(stage.counters)


def test_a_stop_does_not_wait_for_a_camera_that_hangs() -> None:
    hangs = threading.Event()
    stage = Stage(FakeSource(None, live=True, before=lambda index: (index == 5 and hangs.wait()) or None))
    with stage.in_background() as background:
        wait_until(lambda: stage.counters["captured"] == 5)
    assert background.outcome is not None
    assert background.outcome.state == "ended"
    before = stage.counters
    hangs.set()
    assert_accounted(before)
    assert stage.counters == before


def test_frames_that_the_broker_never_answers_are_dropped_when_given_up() -> None:
    stage = Stage(FakeSource(None), ["stored"] * 3 + ["silent"] * 100, max_in_flight=8)
    with stage.in_background():
        wait_until(lambda: stage.counters["published"] == 3 and stage.account.in_flight == 8)
        stage.stop.set()
        stage.publisher.purge()
    assert stage.counters == {"captured": 11, "published": 3, "dropped.stopped": 8}


def test_a_file_is_read_no_further_ahead_than_its_window() -> None:
    stage = Stage(FakeSource(None), max_in_flight=100, max_ahead=10)
    with stage.in_background():
        wait_until(lambda: stage.counters["published"] == 10)
        assert stage.counters["captured"] == 10
        stage.account.taken(3, 4)
        wait_until(lambda: stage.counters["published"] == 14)
        assert stage.counters["captured"] == 14
        assert stage.account.ahead == 10


def test_a_camera_whose_broker_is_silent_drops_and_holds_no_more_than_its_limit() -> None:
    stage = Stage(FakeSource(None, live=True), ["silent"] * 4, max_in_flight=4)
    with stage.in_background():
        wait_until(lambda: stage.account.in_flight == 4 and stage.counters.get("dropped.queue_full", 0) > 50)
        assert stage.account.in_flight == 4
        stage.stop.set()
        stage.publisher.purge()
    assert stage.counters["published"] == 0
    assert stage.counters["dropped.stopped"] == 4
    assert_accounted(stage.counters)


@pytest.mark.parametrize("own_clock", [True, False])
def test_event_time_is_the_sources_where_it_has_a_clock_and_else_the_wall(own_clock: bool) -> None:
    seen: list[int] = []

    def encode(grabbed: Grabbed) -> bytes:
        seen.append(grabbed.captured_at_ns)
        return b""

    Stage(FakeSource(3, own_clock=own_clock), encode=encode).run()
    assert seen == ([1_000, 33_001_000, 66_001_000] if own_clock else [1_000] * 3)


@pytest.mark.parametrize("live", [False, True])
def test_gaps_take_sequence_numbers_and_are_dropped_for_their_reason(live: bool) -> None:
    class Gappy(FakeSource):
        def pictures(self, stop: threading.Event) -> Iterator[Picture | Gap]:
            for picture in super().pictures(stop):
                yield picture
                yield Gap(picture.index + 1)

    stage = Stage(Gappy(3, live=live))
    assert stage.run().state == "ended"
    assert stage.counters == {"captured": 9, "published": 3, "dropped.not_decodable": 6}
    assert stage.producer.stored == [b"0", b"2", b"5"]
