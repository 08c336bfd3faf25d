"""The command `sightline bench driver`."""

import json
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from sightline.cli.context import settings_from


def driver(
    ctx: typer.Context,
    events: Annotated[int, typer.Option(help="Records of the throughput part.", min=1000)] = 40_000,
) -> None:
    """Measure the stateful driver against a plain Faust agent, in one run, and print JSON."""
    from sightline.bench.driver import DriverBench, bench_driver
    from sightline.stack.kafka import KafkaOptions, LocalKafka

    settings = settings_from(ctx)
    bench = DriverBench(events=events)
    if settings.kafka.bootstrap is not None:
        result = bench_driver(settings.kafka.bootstrap, bench)
    else:
        options = KafkaOptions(home=settings.kafka.home, java=settings.kafka.java, cache=settings.cache.dir)
        say = Console(stderr=True).print
        with (
            tempfile.TemporaryDirectory(prefix="sightline-bench-") as folder,
            LocalKafka(Path(folder), options, say) as kafka,
        ):
            result = bench_driver(kafka.bootstrap, bench)
    typer.echo(json.dumps(result, indent=2))
