-- What the tracker's limits left out of a frame: until now only in the messages.

ALTER TABLE ${database}.frames ADD COLUMN IF NOT EXISTS
    left_out Map(LowCardinality(String), UInt64) COMMENT 'what a limit of the tracker left out, by reason: detections_over_limit, tracks_full; mostly empty'
    AFTER tracks;
