"""The ClickHouse writer: a consumer group that puts every message into its tables exactly once.

A *unit* is a set of ranges, one for each partition of one topic, whose rows go into each table as one
insert for each day. One insert for each partition would be simpler to replay, and cost as many times the
CPU as there are partitions: an insert costs the same for one row as for a thousand.

What is done with a unit, in this order:

1. Its *intent* is committed: for each of its partitions the start offset, with all ranges of the unit in
   the metadata. A group's commit is one write at the broker. Without it nothing is inserted.
2. For each table, and in it for each day, one insert is sent. It is one block in one partition of the
   table, so it becomes one part: it is stored whole or not at all. Its deduplication token is made of
   topic, ranges, table and day, so the same insert sent twice is stored once, whoever sends it.
3. Dead letters of the unit are delivered.
4. The ends are committed, with empty metadata.

Killed before 1, the unit never was. Killed later, whoever gets one of its partitions finds the intent,
reads *all* ranges of the unit from the log, also those of partitions that went to others, and replays 2 to
4. Two heirs may do so at once, and a member that was thought dead may still be at it: all send the same
tokens.

What a replay sends does not depend on what the first try decided. Before an insert the table is asked which
of the frames it has, and only the others are sent (`repeats`). Since each insert is stored whole or not at
all, that is all of its rows or those that were new the first time. The same question removes frames that
the log holds twice. So there are two lines of defence, and each alone is enough after a kill: the question
holds where a token was forgotten (the tables remember ten thousand), the token holds where an insert is
still on its way while the question is asked. `ReplacingMergeTree` is a third.

An insert is sent only while the *lease* is valid: a process that was stopped for longer than the group
waits asks the group before it goes on, and most often finds that it has nothing to do any more.

ClickHouse away or slow is no error: the thread that inserts tries again for ever, the thread that reads
gathers up to `write.max_batch_rows` more, pauses its partitions and goes on polling, so that it stays in
the group.
"""

from consumers.writer.service import run_writer

__all__ = ["run_writer"]
