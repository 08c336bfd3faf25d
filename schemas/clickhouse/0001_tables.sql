-- The tables that analysts read. Names and types of these columns are a public contract: later migrations
-- may add columns, and never rename or remove one. The loader replaces ${database}.
--
-- captured_at is a function of (stream_id, epoch, seq), so each sorting key below is the identity of its row,
-- in an order that serves "this stream, between these times".

CREATE DATABASE IF NOT EXISTS ${database};

CREATE TABLE IF NOT EXISTS ${database}.tracks
(
    stream_id LowCardinality(String) COMMENT 'the camera',
    epoch UInt64 COMMENT 'rises each time a gateway starts the stream' CODEC(Delta, ZSTD(1)),
    seq UInt64 COMMENT 'number of the frame in its epoch, from 0; with stream_id and epoch its identity' CODEC(Delta, ZSTD(1)),
    captured_at DateTime64(9, 'UTC') COMMENT 'event time of the frame' CODEC(Delta, ZSTD(1)),
    track_id UInt64 COMMENT 'the object, unique in its stream, never used again' CODEC(ZSTD(1)),
    x1 Float32 COMMENT 'left edge, pixels of the source frame' CODEC(ZSTD(1)),
    y1 Float32 COMMENT 'top edge, pixels of the source frame' CODEC(ZSTD(1)),
    x2 Float32 COMMENT 'right edge, pixels of the source frame' CODEC(ZSTD(1)),
    y2 Float32 COMMENT 'bottom edge, pixels of the source frame' CODEC(ZSTD(1)),
    score Float32 COMMENT 'confidence of the last detection that the track took, 0..1' CODEC(ZSTD(1)),
    label LowCardinality(String) COMMENT 'what the object is taken for at this frame',
    observed Bool COMMENT 'false where the tracker only predicts'
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (stream_id, captured_at, epoch, seq, track_id)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000
COMMENT 'One row per track and frame: where each object was.';

CREATE TABLE IF NOT EXISTS ${database}.frames
(
    stream_id LowCardinality(String) COMMENT 'the camera',
    epoch UInt64 COMMENT 'rises each time a gateway starts the stream' CODEC(Delta, ZSTD(1)),
    seq UInt64 COMMENT 'number of the frame in its epoch, from 0; with stream_id and epoch its identity' CODEC(Delta, ZSTD(1)),
    captured_at DateTime64(9, 'UTC') COMMENT 'event time of the frame' CODEC(Delta, ZSTD(1)),
    width UInt16 COMMENT 'width of the source frame in pixels',
    height UInt16 COMMENT 'height of the source frame in pixels',
    detections UInt16 COMMENT 'how many detections the frame had',
    tracks UInt16 COMMENT 'how many tracks lived after the frame: its rows in the table tracks',
    captured_wall_at Nullable(DateTime64(9, 'UTC')) COMMENT 'clock of the gateway at the capture; the delays below count from it' CODEC(ZSTD(1)),
    publish_ms Nullable(Float32) COMMENT 'from the capture until the gateway published the frame, in ms' CODEC(ZSTD(1)),
    infer_ms Nullable(Float32) COMMENT 'from the capture until the server published the detections, in ms; NULL where the gateway detects' CODEC(ZSTD(1)),
    track_ms Nullable(Float32) COMMENT 'from the capture until the tracks were published, in ms' CODEC(ZSTD(1)),
    write_ms Nullable(Float32) COMMENT 'from the capture until the insert of this row was sent, in ms; the insert itself takes some more' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (stream_id, captured_at, epoch, seq)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000
COMMENT 'One row per frame that was tracked, also those with nothing on them, with the delay of each stage.';

CREATE TABLE IF NOT EXISTS ${database}.detections
(
    stream_id LowCardinality(String) COMMENT 'the camera',
    epoch UInt64 COMMENT 'rises each time a gateway starts the stream' CODEC(Delta, ZSTD(1)),
    seq UInt64 COMMENT 'number of the frame in its epoch, from 0; with stream_id and epoch its identity' CODEC(Delta, ZSTD(1)),
    captured_at DateTime64(9, 'UTC') COMMENT 'event time of the frame' CODEC(Delta, ZSTD(1)),
    `index` UInt16 COMMENT 'position of the detection in its frame, from 0' CODEC(ZSTD(1)),
    x1 Float32 COMMENT 'left edge, pixels of the source frame' CODEC(ZSTD(1)),
    y1 Float32 COMMENT 'top edge, pixels of the source frame' CODEC(ZSTD(1)),
    x2 Float32 COMMENT 'right edge, pixels of the source frame' CODEC(ZSTD(1)),
    y2 Float32 COMMENT 'bottom edge, pixels of the source frame' CODEC(ZSTD(1)),
    score Float32 COMMENT 'confidence of the detector, 0..1' CODEC(ZSTD(1)),
    label LowCardinality(String) COMMENT 'name of the class',
    class_id UInt16 COMMENT 'number of the class in the label set of its model' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (stream_id, captured_at, epoch, seq, `index`)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000
COMMENT 'One row per detection: what the model saw, before tracking. Filled only if write.detections is on.';

CREATE TABLE IF NOT EXISTS ${database}.classifications
(
    stream_id LowCardinality(String) COMMENT 'the camera',
    epoch UInt64 COMMENT 'rises each time a gateway starts the stream' CODEC(Delta, ZSTD(1)),
    seq UInt64 COMMENT 'number of the frame at which the label was decided' CODEC(Delta, ZSTD(1)),
    captured_at DateTime64(9, 'UTC') COMMENT 'event time of that frame' CODEC(Delta, ZSTD(1)),
    track_id UInt64 COMMENT 'the object, unique in its stream' CODEC(ZSTD(1)),
    label LowCardinality(String) COMMENT 'what the object is taken for from now on',
    previous LowCardinality(Nullable(String)) COMMENT 'what it was taken for before; NULL at the first decision',
    confidence Float32 COMMENT 'share of the evidence that speaks for the label, 0..1' CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(captured_at)
ORDER BY (stream_id, captured_at, epoch, seq, track_id)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000
COMMENT 'One row for each decision on what an object is, and each change of it.';

CREATE TABLE IF NOT EXISTS ${database}.streams
(
    stream_id LowCardinality(String) COMMENT 'the camera',
    stage LowCardinality(String) COMMENT 'the stage that reports, such as capture or infer',
    epoch UInt64 COMMENT 'the start of the gateway that the counters belong to',
    instance String COMMENT 'which process of the stage reports',
    at DateTime64(9, 'UTC') COMMENT 'when, by the clock of the reporter',
    state LowCardinality(String) COMMENT 'running, ended (nothing more will come in this epoch) or failed',
    message String COMMENT 'a sentence for people, empty if all is well',
    counters Map(LowCardinality(String), UInt64) COMMENT 'totals by name, such as captured, published, dropped.<reason>'
)
ENGINE = ReplacingMergeTree(at)
ORDER BY (stream_id, stage, epoch, instance)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000
COMMENT 'Latest report of each stage on each stream. Read it with FINAL: older reports go when parts merge.';

CREATE TABLE IF NOT EXISTS ${database}.dead_letters
(
    topic LowCardinality(String) COMMENT 'topic of the record that could not be used',
    `partition` UInt32 COMMENT 'its partition',
    `offset` UInt64 COMMENT 'its offset; with topic and partition its identity',
    stage LowCardinality(String) COMMENT 'the stage that refused it',
    reason String COMMENT 'why, a sentence',
    stream_id String COMMENT 'stream of the frame if that much could be read, else empty',
    epoch Nullable(UInt64) COMMENT 'epoch of the frame, if it could be read',
    seq Nullable(UInt64) COMMENT 'number of the frame, if it could be read',
    at DateTime64(9, 'UTC') COMMENT 'when it was refused',
    bytes UInt32 COMMENT 'length of the record; the record itself is in the topic sightline.dead-letters.v1'
)
ENGINE = ReplacingMergeTree
ORDER BY (topic, `partition`, `offset`)
SETTINGS non_replicated_deduplication_window = 10000, replicated_deduplication_window = 10000
COMMENT 'One row for each record that a stage could not use.';
