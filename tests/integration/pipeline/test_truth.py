"""Answers are compared with the truth on ClickHouse's real engine and by the real scorer."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from consumers.writer.rows import frames_block, streams_block, tracks_block, truth_block, truth_events_block
from schemas.streams import StreamStatus
from schemas.tracks import Tracks
from schemas.truth import Truth, TruthEvent
from sightline.clickhouse.chdb_engine import ChdbEngine
from sightline.clickhouse.migrate import migrate
from sightline.pipeline.accounts import Query, read_accounts
from sightline.pipeline.tables import query_of
from sightline.pipeline.truth import TruthReport, compare
from sightline.pipeline.truth_counts import LineCount
from sightline.scoring.scorer import Scene, Scores, install_scorer, score
from sightline.stack.cache import cache_folder

NS = 1_790_000_000_000_000_000
FRAME_NS = 100_000_000
FRAMES = 40
CLASSES, ATTRIBUTES = ("car", "person"), ("car-red", "person-worker")
Route = Sequence[tuple[float, float]]
"""Where an object is, the middle of its box's lower edge, frame by frame."""

LINE = TruthEvent(kind="defined", place="gate", at_ns=NS, points=((100.0, 200.0), (100.0, 50.0)))


def straight(x1: float, x2: float, y: float, count: int = FRAMES) -> Route:
    return [(float(x), y) for x in np.linspace(x1, x2, count)]


def there_and_back(x1: float, x2: float, y: float) -> Route:
    return [*straight(x1, x2, y, FRAMES // 2), *straight(x2, x1, y, FRAMES // 2)]


def crossing(object_id: int, direction: str, frame: float) -> TruthEvent:
    at_ns = NS + round(frame * FRAME_NS)
    return TruthEvent(kind="crossed", place="gate", at_ns=at_ns, object_id=object_id, direction=direction)


def box(route: Route, seq: int) -> list[float]:
    x, y = route[seq]
    return [x - 15, y - 20, x + 15, y]


class Story:
    """Tables of one stream in which each object has a route and each track follows one."""

    def __init__(self, folder: Path) -> None:
        self.engine = ChdbEngine(folder)
        self.database = self.engine.connect()
        migrate(self.database, "sightline")
        self.client = self.engine.client()
        self.client.command("USE sightline")

    def close(self) -> None:
        self.client.close()
        self.database.close()
        self.engine.close()

    @property
    def query(self) -> Query:
        return query_of(self.client)

    def write(
        self,
        objects: Mapping[int, tuple[int, Route]],
        events: Sequence[TruthEvent],
        tracks: Mapping[int, tuple[str, Route]],
    ) -> None:
        seqs = [seq for seq in range(FRAMES) if seq != 5]  # one frame was dropped on its way
        told = [self.truth(seq, objects, events) for seq in range(FRAMES)]
        seen = [self.tracks(seq, tracks) for seq in seqs]
        rows = sum(len(message.object_ids) + len(message.events) for message in told)
        status = StreamStatus(
            stream_id="cam",
            epoch=1,
            stage="capture",
            instance="i",
            at_ns=NS,
            state="ended",
            counters={"captured": FRAMES, "dropped.late": 1, "truth_rows": rows},
        )
        self.insert("streams", streams_block([status]))
        self.insert("frames", frames_block(seen, NS))
        self.insert("tracks", tracks_block([message for message in seen if len(message.track_ids)]))
        self.insert("truth", truth_block(told))
        self.insert("truth_events", truth_events_block([message for message in told if message.events]))

    def insert(self, table: str, block: object) -> None:
        self.database.insert(f"sightline.{table}", block, table)  # type: ignore[arg-type]

    def truth(
        self, seq: int, objects: Mapping[int, tuple[int, Route]], events: Sequence[TruthEvent]
    ) -> Truth:
        kinds = np.array([kind for kind, _ in objects.values()], np.uint16)
        until = NS + seq * FRAME_NS
        mine = [event for event in events if until - FRAME_NS < event.at_ns <= until]
        return Truth(
            stream_id="cam",
            epoch=1,
            seq=seq,
            captured_at_ns=until,
            width=640,
            height=360,
            boxes=np.array([box(route, seq) for _, route in objects.values()], np.float32),
            object_ids=np.array(list(objects), np.uint64),
            class_ids=kinds,
            classes=CLASSES,
            attribute_ids=kinds,
            attributes=ATTRIBUTES,
            visibility=np.ones(len(objects), np.float32),
            events=(*([LINE] if seq == 0 else []), *mine),
        )

    def tracks(self, seq: int, tracks: Mapping[int, tuple[str, Route]]) -> Tracks:
        labels = sorted({label for label, _ in tracks.values()})
        return Tracks(
            stream_id="cam",
            epoch=1,
            seq=seq,
            captured_at_ns=NS + seq * FRAME_NS,
            trace=(("capture", NS),),
            width=640,
            height=360,
            detections=len(tracks),
            track_ids=np.array(list(tracks), np.uint64),
            boxes=np.array([box(route, seq) for _, route in tracks.values()], np.float32),
            scores=np.ones(len(tracks), np.float32),
            label_ids=np.array([labels.index(label) for label, _ in tracks.values()], np.uint16),
            labels=tuple(labels),
            observed=np.ones(len(tracks), np.bool_),
        )


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    told = Story(tmp_path / "tables")
    yield told
    told.close()


def no_scorer(scenes: Mapping[str, Scene]) -> tuple[Scores, Mapping[str, Scores]]:
    nothing = Scores(0, 0, 0, 0, 0, 0, 0, 0)
    return nothing, dict.fromkeys(scenes, nothing)


def compared(story: Story) -> TruthReport:
    found = compare(story.query, 0, no_scorer)
    assert found is not None
    return found


def test_objects_are_counted_at_the_line_where_they_really_crossed_it(story: Story) -> None:
    through = straight(20, 180, 120)
    returned = there_and_back(40, 120, 150)
    beside = straight(20, 180, 230)  # below the line's end
    objects = {1: (0, through), 2: (1, returned), 3: (0, beside)}
    events = [crossing(1, "forward", 19.5), crossing(2, "forward", 14.25), crossing(2, "backward", 24.75)]
    tracks = {11: ("car-red", through), 12: ("person-worker", returned), 13: ("car-red", beside)}
    story.write(objects, events, tracks)
    found = compared(story)
    assert found.counts == [LineCount("cam", "gate", "car", 1, 1), LineCount("cam", "gate", "person", 2, 2)]
    assert found.count_error == 0
    assert found.label_accuracy == 1
    assert found.frames == FRAMES - 1


def test_who_crosses_in_the_first_or_last_second_is_counted_by_neither(story: Story) -> None:
    early, late = straight(90, 250, 80), straight(20, 105, 120)
    objects = {1: (0, early), 2: (0, late)}
    events = [crossing(1, "forward", 2.4), crossing(2, "forward", 36.7)]
    story.write(objects, events, {11: ("car-red", early), 12: ("car-red", late)})
    found = compared(story)
    assert (found.counts, found.count_error) == ([], None)


def test_a_box_that_trembles_on_the_line_has_not_crossed_it_and_once_over_it_counts_once(
    story: Story,
) -> None:
    trembling = [(99.0 + 2.5 * (seq % 2), 120.0) for seq in range(FRAMES)]
    through = [(x + 1.5 * (-1) ** seq, y) for seq, (x, y) in enumerate(straight(80, 120, 150))]
    objects = {1: (0, trembling), 2: (0, straight(80, 120, 150))}
    story.write(
        objects, [crossing(2, "forward", 19.5)], {11: ("car-red", trembling), 12: ("car-red", through)}
    )
    assert compared(story).counts == [LineCount("cam", "gate", "car", 1, 1)]


def test_wrong_classes_missed_and_invented_objects_are_errors_of_the_count(story: Story) -> None:
    one, two, three = (straight(20, 180, y) for y in (80, 120, 160))
    objects = {1: (0, one), 2: (1, two)}
    events = [crossing(1, "forward", 19.5), crossing(2, "forward", 19.5)]
    story.write(objects, events, {11: ("person-worker", one), 13: ("car-red", three)})
    found = compared(story)
    assert found.counts == [LineCount("cam", "gate", "car", 1, 1), LineCount("cam", "gate", "person", 1, 1)]
    assert found.label_accuracy == 0
    assert [each.object_id for each in found.objects] == [1]


def test_what_the_gateway_sent_is_awaited_and_found(story: Story) -> None:
    route = straight(20, 80, 120)
    story.write({1: (0, route)}, [], {11: ("car-red", route)})
    (account,) = read_accounts(story.query, 0)
    assert (account.truth, account.truth_rows) == (FRAMES + 1, FRAMES + 1)


def test_perfect_tracks_score_a_hundred_and_half_of_them_about_half(story: Story) -> None:
    python = install_scorer(cache_folder(os.environ, Path.home()))
    one, two = straight(20, 180, 80), straight(180, 20, 160)
    story.write({1: (0, one), 2: (1, two)}, [], {11: ("car-red", one), 12: ("person-worker", two)})
    found = compare(story.query, 0, lambda scenes: score(python, scenes))
    assert found is not None
    assert found.scores is not None
    assert (found.scores.hota, found.scores.mota, found.scores.idf1) == pytest.approx((100, 100, 100))
    assert found.streams == {"cam/1": found.scores}
    whole = [[frame, 1, 0, 0, 10, 10] for frame in range(10)]
    half, _ = score(python, {"s": Scene(10, whole, whole[:5])})
    assert (half.mota, half.false_negatives) == (pytest.approx(50), 5)
