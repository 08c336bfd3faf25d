"""Puts an infer worker together from settings and runs it until it is told to stop."""

import asyncio
import logging
import signal
import socket
import time
from os import getpid
from typing import Final

from processors.infer.analysis import FrameAnalysis, RetryPolicy
from processors.infer.client import AnalyzerClient, Labels, TritonUnavailable
from processors.infer.outbox import Outbox
from processors.infer.records import STAGE
from processors.infer.worker import InferWorker, WorkerLimits
from sightline.ending import end_by_force
from sightline.errors import SightlineError
from sightline.kafka_clients import INFER_GROUP, consumer, producer
from sightline.settings import Settings
from sightline.status_book import StatusBook

log = logging.getLogger(__name__)

CONNECT_DELAY_S: Final = 0.5
FETCH_QUEUE_MIB: Final = 16


def run_infer(settings: Settings) -> None:
    """Run one infer worker in this process until SIGTERM or SIGINT.

    Raises:
        SightlineError: No Triton is named, the broker refuses our records, or another worker has our name.
    """
    asyncio.run(_run(settings))


async def _run(settings: Settings) -> None:
    if settings.triton.url is None:
        raise SightlineError("No Triton is named.", "Set triton.url to the host:port of its gRPC.")
    stop = asyncio.Event()

    def ask_to_stop() -> None:
        stop.set()
        end_by_force()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ask_to_stop)
    instance = f"{socket.gethostname()}-{getpid()}"
    client_id = f"sightline-{STAGE}-{instance}"
    async with AnalyzerClient(settings.triton.url, settings.triton.model) as client:
        labels = await _labels(client, stop)
        if labels is None:
            return
        worker = InferWorker(
            consumer=consumer(
                settings.kafka,
                client_id=client_id,
                group=INFER_GROUP,
                instance_id=settings.infer.instance_id,
                max_queue_mib=FETCH_QUEUE_MIB,
            ),
            outbox=Outbox(producer(settings.kafka, client_id=client_id, compression="lz4", gapless=True)),
            analysis=FrameAnalysis(client, RetryPolicy(settings.triton.timeout_s, settings.triton.max_tries)),
            labels=labels,
            limits=WorkerLimits(
                frames_per_request=settings.triton.frames_per_request,
                requests_in_flight=settings.triton.requests_in_flight,
                max_held_bytes=settings.triton.max_held_mib * 1024 * 1024,
                status_interval_s=settings.status.interval_s,
            ),
            status=StatusBook(STAGE, instance),
            clock_ns=time.time_ns,
        )
        await worker.run(stop)


async def _labels(client: AnalyzerClient, stop: asyncio.Event) -> Labels | None:
    """The model's class names; waits until Triton is there. None if told to stop meanwhile."""
    waiting = False
    while not stop.is_set():
        try:
            labels = await client.labels()
        except TritonUnavailable as error:
            if not waiting:
                log.warning("waiting for Triton: %s", error)
            waiting = True
            await asyncio.sleep(CONNECT_DELAY_S)
        else:
            log.info(
                "model has %d classes of %s, %d attributes",
                len(labels.names),
                labels.version,
                len(labels.attributes),
            )
            return labels
    return None
