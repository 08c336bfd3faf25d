"""Objects counted at lines, from the table of tracks, and how many there really were.

A track is where the middle of the bottom edge of its box is. It crosses a line where it changes its side of
it, between two frames on which it was seen at least two pixels away: a box that trembles on the line has not
crossed it. Each track counts once for a line and a direction, by the class that it is taken for in the end.
What crosses in the first and the last second is left out on both sides: a track takes some frames to begin,
and whether something crossed is known some frames later.
"""

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
    SELECT stream_id, epoch, place, track_id, seq, toUnixTimestamp64Nano(captured_at) AS ns,
           (x1 + x2) / 2 - ax AS px, y2 - ay AS py,
           (dx * py - dy * px) / sqrt(dx * dx + dy * dy) AS side_px,
           (dx * px + dy * py) / (dx * dx + dy * dy) AS along
    FROM tracks JOIN lines USING (stream_id, epoch) WHERE observed AND abs(side_px) >= 2
), steps AS (
    SELECT *, lagInFrame(side_px) OVER w AS side_before, lagInFrame(along) OVER w AS along_before,
           lagInFrame(ns) OVER w AS ns_before, side_before / (side_before - side_px) AS share
    FROM points WINDOW w AS (PARTITION BY stream_id, epoch, place, track_id ORDER BY seq
                             ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
), crossings AS (
    SELECT stream_id, epoch, place, track_id, if(side_px > 0, 'forward', 'backward') AS direction,
           fromUnixTimestamp64Nano(ns_before + toInt64(share * (ns - ns_before)), 'UTC') AS at
    FROM steps
    WHERE side_px * side_before < 0 AND along_before + share * (along - along_before) BETWEEN 0 AND 1
), kinds AS (
    SELECT stream_id, epoch, track_id, splitByChar('-', argMax(label, seq))[1] AS kind
    FROM tracks GROUP BY stream_id, epoch, track_id
), span AS (
    SELECT stream_id, epoch, min(captured_at) + INTERVAL 1 SECOND AS since,
           max(captured_at) - INTERVAL 1 SECOND AS until
    FROM frames GROUP BY stream_id, epoch
)
SELECT stream_id, epoch, place, kind, direction, uniqExact(track_id) AS objects
FROM crossings JOIN kinds USING (stream_id, epoch, track_id) JOIN span USING (stream_id, epoch)
WHERE at BETWEEN since AND until
GROUP BY stream_id, epoch, place, kind, direction ORDER BY stream_id, epoch, place, kind, direction
"""

TRUE_SQL: Final = """
WITH kinds AS (
    SELECT stream_id, epoch, object_id, any(class) AS kind FROM truth GROUP BY stream_id, epoch, object_id
), span AS (
    SELECT stream_id, epoch, min(captured_at) + INTERVAL 1 SECOND AS since,
           max(captured_at) - INTERVAL 1 SECOND AS until
    FROM frames GROUP BY stream_id, epoch
)
SELECT stream_id, epoch, place, kind, direction, uniqExact(object_id) AS objects
FROM (SELECT stream_id, epoch, place, direction, at, assumeNotNull(object_id) AS object_id
      FROM truth_events WHERE kind = 'crossed') AS crossings
JOIN kinds USING (stream_id, epoch, object_id) JOIN span USING (stream_id, epoch)
WHERE at BETWEEN since AND until
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
