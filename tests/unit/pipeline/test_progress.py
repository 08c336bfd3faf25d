"""The flow between two looks at the tables."""

import io
import math

from rich.console import Console

from sightline.pipeline.progress import (
    COUNTERS_SQL,
    LETTERS_SQL,
    Sample,
    StreamProgress,
    progress_line,
    progress_table,
    rates,
    read_sample,
)

BEFORE = Sample(
    10.0, {"gate": StreamProgress({"captured": 100, "inferred": 90, "tracked": 90, "written": 80})}
)
AFTER = Sample(
    12.0,
    {
        "gate": StreamProgress(
            {"captured": 160, "inferred": 150, "tracked": 140, "written": 130}, 20.4, 81.0
        ),
        "yard": StreamProgress({"captured": 10}),
    },
)


def test_rates_are_frames_per_second_between_the_samples():
    assert rates(BEFORE, AFTER)["gate"] == {"captured": 30, "inferred": 30, "tracked": 25, "written": 25}


def test_a_stream_that_is_new_counts_from_nothing():
    assert rates(BEFORE, AFTER)["yard"]["captured"] == 5


def test_lag_is_what_was_captured_and_not_yet_written_and_never_below_zero():
    assert AFTER.streams["gate"].lag == 30
    assert StreamProgress({"captured": 5, "written": 9}).lag == 0


def test_the_line_for_a_pipe_sums_the_streams():
    line = progress_line(BEFORE, AFTER, 12.0)
    assert "2 streams" in line
    assert "captured 35.0/s" in line
    assert "lag 40" in line
    assert "p99 81 ms" in line


def test_the_table_shows_a_dash_where_a_stage_has_nothing_to_say():
    console = Console(file=io.StringIO(), width=120)
    console.print(progress_table(BEFORE, AFTER, "Demo"))
    yard = next(line for line in console.file.getvalue().splitlines() if line.startswith("yard"))
    assert yard.split() == ["yard", "5.0", "-", "-", "-", "10", "-", "-"]


def test_a_sample_joins_the_stages_counters_with_the_rows():
    def query(sql, _parameters):
        if sql == COUNTERS_SQL:
            return [
                {"stream_id": "gate", "stage": "capture", "count": 9, "given_up": 1},
                {"stream_id": "gate", "stage": "infer", "count": 8, "given_up": 0},
                {"stream_id": "gate", "stage": "unknown", "count": 1, "given_up": 0},
            ]
        if sql == LETTERS_SQL:
            return [{"stream_id": "gate", "letters": 1}]
        return [{"stream_id": "gate", "count": 7, "p50_ms": math.nan, "p99_ms": 12.5}]

    sample = read_sample(query, 0, 0, 1.0)
    assert sample.streams["gate"].totals == {"captured": 9, "inferred": 8, "written": 7}
    assert sample.streams["gate"].lag == 0  # one was dropped, one is a dead letter
    assert (sample.streams["gate"].p50_ms, sample.streams["gate"].p99_ms) == (None, 12.5)
