"""Objects counted at lines, from the table of tracks, and how many there really were."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sightline.pipeline.accounts import Query

# Both stand in docs/analysts.md as they are here; a test compares them.

COUNTED_SQL: Final = """
WITH lines AS (
    SELECT stream_id, epoch, place, xs[1] AS ax, ys[1] AS ay, xs[2] - ax AS dx, ys[2] - ay AS dy
    FROM truth_events WHERE kind = 'defined' AND length(xs) = 2
), points AS (
    SELECT stream_id, epoch, place, track_id, seq, (x1 + x2) / 2 - ax AS px, y2 - ay AS py,
           (dx * py - dy * px) / sqrt(dx * dx + dy * dy) AS side_px,
           (dx * px + dy * py) / (dx * dx + dy * dy) AS along
    FROM tracks JOIN lines USING (stream_id, epoch) WHERE observed AND abs(side_px) >= 2
), steps AS (
    SELECT *, lagInFrame(side_px) OVER w AS before_px, lagInFrame(along) OVER w AS before_along FROM points
    WINDOW w AS (PARTITION BY stream_id, epoch, place, track_id ORDER BY seq
                 ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
), crossings AS (
    SELECT stream_id, epoch, place, track_id, if(side_px > 0, 'forward', 'backward') AS direction FROM steps
    WHERE side_px * before_px < 0
      AND before_along + (along - before_along) * before_px / (before_px - side_px) BETWEEN 0 AND 1
)
SELECT stream_id, epoch, place, kind, direction, uniqExact(track_id) AS objects
FROM crossings JOIN (
    SELECT stream_id, epoch, track_id, splitByChar('-', argMax(label, seq))[1] AS kind
    FROM tracks GROUP BY stream_id, epoch, track_id
) AS kinds USING (stream_id, epoch, track_id)
GROUP BY stream_id, epoch, place, kind, direction ORDER BY stream_id, epoch, place, kind, direction
"""

TRUE_SQL: Final = """
SELECT stream_id, epoch, place, kind, direction, uniqExact(object_id) AS objects
FROM (SELECT stream_id, epoch, place, assumeNotNull(object_id) AS object_id, direction
      FROM truth_events WHERE kind = 'crossed') AS crossings
JOIN (SELECT stream_id, epoch, object_id, any(class) AS kind FROM truth
      GROUP BY stream_id, epoch, object_id) AS kinds USING (stream_id, epoch, object_id)
GROUP BY stream_id, epoch, place, kind, direction ORDER BY stream_id, epoch, place, kind, direction
"""


@dataclass(frozen=True)
class LineCount:
    """Objects of a class that crossed a line of a stream; who crosses it in both directions counts twice.

    Attributes:
        stream_id: The stream.
        place: The line.
        kind: The class.
        counted: How many the tables say.
        true: How many there were.
    """

    stream_id: str
    place: str
    kind: str
    counted: int
    true: int


def read_counts(query: Query, epochs: Collection[tuple[str, int]]) -> list[LineCount]:
    """Count what crossed the lines of these streams' epochs, and who really did."""
    sides: list[Counter[tuple[str, str, str]]] = []
    for sql in (COUNTED_SQL, TRUE_SQL):
        count: Counter[tuple[str, str, str]] = Counter()
        for row in query(sql, {}):
            if (row["stream_id"], row["epoch"]) in epochs:
                count[row["stream_id"], row["place"], row["kind"]] += row["objects"]
        sides.append(count)
    counted, true = sides
    return [LineCount(*key, counted[key], true[key]) for key in sorted(counted.keys() | true.keys())]


def count_error(counts: Sequence[LineCount]) -> float | None:
    """Sum of the differences over the sum of what is true, 0 or more; None if nobody crossed a line."""
    true = sum(each.true for each in counts)
    return sum(abs(each.counted - each.true) for each in counts) / true if true else None
