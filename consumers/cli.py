"""The command `sightline write`."""

import logging

import typer

from sightline.cli.context import log_to_stderr, settings_from

log = logging.getLogger(__name__)


def write(ctx: typer.Context) -> None:
    """Run the writer: everything from Kafka into ClickHouse's tables.

    Without clickhouse.dsn the engine runs in this process and answers SELECTs over HTTP on loopback.
    """
    from consumers.writer import run_writer

    settings = settings_from(ctx)
    log_to_stderr(settings)

    def ready(port: int) -> None:
        if port:
            log.info("SELECTs are answered at http://127.0.0.1:%d", port)

    run_writer(settings, data_dir=settings.data.dir, ready=ready)
