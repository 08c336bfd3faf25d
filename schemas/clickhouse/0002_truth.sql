-- What is really there, from sources that know it (synthetic cameras with the setting gateway.truth on). Empty
-- otherwise. The same contract as that of the first tables.

CREATE TABLE IF NOT EXISTS ${database}.truth
(
    stream_id LowCardinality(String) COMMENT 'the camera',
    epoch UInt64 COMMENT 'rises each time a gateway starts the stream' CODEC(Delta, ZSTD(1)),
    seq UInt64 COMMENT 'number of the frame in its epoch, from 0; with stream_id and epoch its identity' CODEC(Delta, ZSTD(1)),
    captured_at DateTime64(9, 'UTC') COMMENT 'event time of the frame' CODEC(Delta, ZSTD(1)),
    object_id UInt64 COMMENT 'the object, unique in its stream and epoch, never used again' CODEC(ZSTD(1)),
    class LowCardinality(String) COMMENT 'what it is, such as car',
    attribute LowCardinality(String) COMMENT 'what a classifier is to tell, such as car-red',
    x1 Float32 COMMENT 'left edge of all of it that is inside the picture, pixels' CODEC(ZSTD(1)),
    y1 Float32 COMMENT 'top edge, pixels' CODEC(ZSTD(1)),
    x2 Float32 COMMENT 'right edge, pixels' CODEC(ZSTD(1)),
    y2 Float32 COMMENT 'bottom edge, pixels' CODEC(ZSTD(1)),
    visibility Float32 COMMENT 'share of the whole object that can be seen, 0..1' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (stream_id, captured_at, epoch, seq, object_id)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000
COMMENT 'One row per object and frame: where each object really was. Filled only if gateway.truth is on.';

CREATE TABLE IF NOT EXISTS ${database}.truth_events
(
    stream_id LowCardinality(String) COMMENT 'the camera',
    epoch UInt64 COMMENT 'rises each time a gateway starts the stream' CODEC(Delta, ZSTD(1)),
    seq UInt64 COMMENT 'first frame after the event that was sent' CODEC(Delta, ZSTD(1)),
    captured_at DateTime64(9, 'UTC') COMMENT 'event time of that frame' CODEC(Delta, ZSTD(1)),
    `index` UInt16 COMMENT 'position of the event among those of its frame, from 0' CODEC(ZSTD(1)),
    kind LowCardinality(String) COMMENT 'defined (a line or zone that there is), crossed, entered or left',
    place LowCardinality(String) COMMENT 'name of the line or zone',
    object_id Nullable(UInt64) COMMENT 'who; NULL for defined' CODEC(ZSTD(1)),
    at DateTime64(9, 'UTC') COMMENT 'when exactly' CODEC(Delta, ZSTD(1)),
    direction LowCardinality(String) COMMENT 'of a crossing: forward or backward; otherwise empty',
    xs Array(Float32) COMMENT 'for defined: x of the two ends of a line, or of the corners of a zone, pixels',
    ys Array(Float32) COMMENT 'for defined: y of the same'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (stream_id, captured_at, epoch, seq, `index`)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000
COMMENT 'One row per line and zone, and per crossing of one. Filled only if gateway.truth is on.';
