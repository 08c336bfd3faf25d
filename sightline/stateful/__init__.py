"""The one driver of stateful stages (track, alerting): exactly-once effects on Faust and Kafka.

A stage is pure: `step(state, message) -> (state, outputs)` over the state of one key. Use it so::

    from sightline.stateful import DriverConfig, Output, run_stage

    run_stage(TrackStage(), DriverConfig(bootstrap="host:9092", group="sightline-track"))

`Stage` says what a stage has to give. `run_stage` blocks until SIGTERM or SIGINT (clean stop, returns) or
until something unexpected (raises; let the process exit non-zero and start it again). `on_interval` gets
the counters of every key and returns records to publish, for health. A record that `decode` refuses goes
to the dead-letter topic.

Why nothing is lost and nothing counts twice:

- The changelog holds true statements about the input (see `facts`): "K's state after offset N" and "all
  up to W is processed, K's last message was at M[K]". A stage is pure, so they stay true whoever wrote
  them. Recovery takes the highest offsets that it finds and resumes behind the oldest snapshot that the
  mark finds wanting. A paused worker that wakes up and writes an older snapshot over a newer one, which
  compaction then deletes, costs a replay of what lies between, and no frame. Nothing has to be fenced at
  the write, as with a transactional id per partition, whose control records Faust's recovery would wait
  for in vain (it counts offsets up to the end of the changelog).
- The group's commit is for lag monitors only. Kafka refuses that of a worker that lost its partitions;
  recovery does not look at it.
- Outputs are stored (`acks=all`, idempotent) before the snapshot that includes their step, and each
  partition is filled without holes (see `outbox`). So at any time an output partition holds, of each
  stream, a beginning without gaps, even where two workers overlap; a replay sends the same bytes again,
  and a reader that drops what is not newer than the last (epoch, seq) of a stream sees each frame once.
- Input is retained for days and snapshots are seconds old, so what a replay needs is there. If it is not,
  the log says which offsets are gone.
"""

from sightline.stateful.stage import DriverConfig, KeyCounters, OnInterval, Output, Probe, Stage
from sightline.stateful.worker import changelog_name, run_stage

__all__ = [
    "DriverConfig",
    "KeyCounters",
    "OnInterval",
    "Output",
    "Probe",
    "Stage",
    "changelog_name",
    "run_stage",
]
