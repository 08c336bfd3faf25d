"""ClickHouse for every part of Sightline: back ends, the tables' migrations, and read-only queries.

Two back ends do the same work: `chdb`, ClickHouse's engine inside the writer's process with its tables in the
data folder, and `server`, a ClickHouse reached by its address. Their libraries are imported when chosen.
"""
