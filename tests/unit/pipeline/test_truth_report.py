"""What a comparison with the truth says, to people and to programs."""

import io
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from sightline.errors import SightlineError
from sightline.pipeline.truth import TruthReport, compare, confusions
from sightline.pipeline.truth_counts import COUNTED_SQL, TRUE_SQL, LineCount, count_error, read_counts
from sightline.pipeline.truth_labels import LabelledObject
from sightline.pipeline.truth_summary import print_truth
from sightline.pipeline.truth_tables import EPOCHS_SQL
from sightline.scoring.scorer import Scores

SCORES = Scores(
    hota=71.234,
    deta=70.0,
    assa=72.0,
    mota=80.0,
    idf1=85.5,
    id_switches=3,
    false_positives=4,
    false_negatives=5,
)
TRUTH = TruthReport(
    counts=[LineCount("gate", "in", "car", 49, 50), LineCount("gate", "in", "bus", 10, 10)],
    objects=[
        LabelledObject("gate", 1, "car-red", Counter({"car-red": 20})),
        LabelledObject("gate", 2, "car-red", Counter({"car-blue": 15, "car-red": 5})),
    ],
    scores=SCORES,
    streams={"gate/1": SCORES},
    frames=100,
)


def shown(truth: TruthReport) -> str:
    console = Console(file=io.StringIO(), width=200)
    print_truth(console, truth)
    return console.file.getvalue()


def test_the_json_has_the_five_numbers_that_its_readers_build_on() -> None:
    document = json.loads(json.dumps(TRUTH.as_json()))
    assert {name: document[name] for name in ("count_error", "hota", "mota", "idf1", "label_accuracy")} == {
        "count_error": 0.0167,
        "hota": 71.23,
        "mota": 80.0,
        "idf1": 85.5,
        "label_accuracy": 0.625,
    }
    assert [each["object_id"] for each in document["wrong_labels"]] == [2]


def test_each_goal_is_said_to_be_met_or_missed() -> None:
    lines = {line.split("  ")[0].strip(): line for line in shown(TRUTH).splitlines()}
    assert "met, 60 crossings" in lines["count error"]
    assert "71.2" in lines["HOTA"]
    assert "met" in lines["HOTA"]
    assert "missed, 2 objects" in lines["label accuracy"]


def test_wrong_counts_and_mistaken_labels_are_named() -> None:
    text = shown(TRUTH)
    (row,) = [line.split() for line in text.splitlines() if line.startswith("gate")]
    assert row == ["gate", "in", "car", "49", "50"]
    assert "1 car-red taken for car-blue" in text
    assert confusions(TRUTH.objects) == [("car-red", "car-blue", 1)]


def test_without_the_scorer_the_rest_is_shown_and_the_reason() -> None:
    text = shown(replace(TRUTH, scores=None, streams={}, note="Cannot install [it]."))
    assert "HOTA, MOTA and IDF1 are missing: Cannot install [it]." in text
    assert "met, 60 crossings" in text


def test_what_was_never_there_makes_no_number() -> None:
    empty = TruthReport([], [], None)
    assert (empty.count_error, empty.label_accuracy) == (None, None)
    assert empty.as_json()["count_error"] is None
    assert "-" in shown(empty)


def test_objects_counted_where_nobody_was_are_errors_too() -> None:
    assert count_error([LineCount("a", "l", "car", 3, 4), LineCount("a", "l", "bus", 1, 0)]) == 0.5
    assert count_error([LineCount("a", "l", "car", 1, 0)]) is None


def test_counts_of_other_runs_in_the_same_tables_are_left_out() -> None:
    def query(sql: str, _parameters: object) -> list[dict[str, object]]:
        number = {COUNTED_SQL: 1, TRUE_SQL: 2}[sql]
        row = {"stream_id": "gate", "place": "in", "kind": "car", "direction": "forward"}
        return [row | {"epoch": 1, "objects": 100}, row | {"epoch": 2, "objects": number}]

    assert read_counts(query, {("gate", 2)}) == [LineCount("gate", "in", "car", 1, 2)]


def test_without_any_truth_there_is_no_comparison() -> None:
    def scorer(_scenes: object) -> tuple[Scores, dict[str, Scores]]:
        raise AssertionError("asked for nothing")

    assert compare(lambda _sql, _parameters: [], 0, scorer) is None


def test_a_scorer_that_fails_costs_its_scores_only() -> None:
    def scorer(_scenes: object) -> tuple[Scores, dict[str, Scores]]:
        raise SightlineError("No network.", "Try again.")

    def query(sql: str, _parameters: object) -> list[dict[str, object]]:
        return [{"stream_id": "gate", "epoch": 1}] if sql == EPOCHS_SQL else []

    found = compare(query, 0, scorer)
    assert found is not None
    assert found.scores is None
    assert "No network." in found.note


def test_the_guide_for_analysts_has_the_questions_that_are_asked() -> None:
    guide = (Path(__file__).parents[3] / "docs" / "analysts.md").read_text(encoding="utf-8")
    for sql in (COUNTED_SQL, TRUE_SQL):
        assert f"```sql{sql}```" in guide
