"""A gateway: captures its streams side by side in one process and publishes them."""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from producers.encoding import ClockNs, detection_encoder, frame_encoder
from producers.limits import Reductions, SizeLimits
from producers.local_detector import DetectorLike
from producers.member import Member, Way
from producers.pacing import Pacer, committed_offsets
from producers.publisher import Publisher
from producers.statuses import Statuses, StreamReport
from producers.watch import StreamWatch
from schemas.streams import StreamStatus
from schemas.topics import DETECTIONS, FRAMES, STREAMS, TRUTH
from sightline import kafka_clients
from sightline.ending import SUPERSEDED_EXIT
from sightline.named_models import open_recognizer
from sightline.settings import Mode, Settings, StreamSettings
from sightline.stream_names import check_source, check_stream_id
from sightline.topic_admin import largest_records, require_topics

_LOG = logging.getLogger(__name__)

GRACE_S: Final = 5.0

_TICK_S: Final = 0.2
_TOPICS: Final[Mapping[Mode, str]] = {"frames": FRAMES.name, "detections": DETECTIONS.name}
_GROUPS: Final[Mapping[Mode, str]] = {
    "frames": kafka_clients.INFER_GROUP,
    "detections": kafka_clients.TRACK_GROUP,
}


@dataclass(frozen=True)
class GatewayReport:
    """What a gateway did.

    Attributes:
        streams: Each stream's end, by its id.
        statuses_stored: Whether the broker has every final status.
    """

    streams: Mapping[str, StreamReport]
    statuses_stored: bool

    @property
    def failed(self) -> Mapping[str, str]:
        """The message of each stream that failed."""
        return {name: each.message for name, each in self.streams.items() if each.state == "failed"}

    @property
    def exit_code(self) -> int:
        """0 if every stream came to its end or was stopped, and the broker knows it.

        `SUPERSEDED_EXIT` if nothing else went wrong than that other gateways took streams over; else 1.
        """
        if not self.failed and self.statuses_stored:
            return 0
        superseded = all(self.streams[name].superseded for name in self.failed)
        return SUPERSEDED_EXIT if superseded and self.statuses_stored else 1


def run_gateway(
    streams: Mapping[str, StreamSettings],
    settings: Settings,
    *,
    state_dir: Path,
    stop: threading.Event,
    load_detector: Callable[[], DetectorLike] | None = None,
    on_status: Callable[[StreamStatus], None] | None = None,
    clock_ns: ClockNs = time.time_ns,
) -> GatewayReport:
    """Capture streams until all have ended or `stop` is set, and see every frame to its end.

    A stream that fails stops no other. After `stop`, what the broker does not take within `GRACE_S` is
    counted as dropped. Signals are the caller's: let a handler set `stop`.

    Args:
        streams: Sources by stream id.
        settings: The sections kafka, gateway, model and status are used.
        state_dir: Where each stream's epoch is kept from start to start.
        stop: Ends the capture.
        load_detector: Loads the detector for streams of the mode "detections"; unset takes the model that
            the settings name. Called once, and only if there is such a stream.
        on_status: Is shown every status, also while the broker is away; in the calling thread.
        clock_ns: The wall clock in Unix nanoseconds.

    Raises:
        SightlineError: Nothing could be started: a stream id or a source is none, no broker, a topic is
            missing, the model cannot be loaded.
    """
    for name, stream in streams.items():
        check_stream_id(name)
        check_source(stream.source)
    modes = {name: stream.mode or settings.gateway.mode for name, stream in streams.items()}
    if not streams:
        return GatewayReport({}, statuses_stored=True)
    truth = {TRUTH.name} if settings.gateway.truth else set()
    partitions = require_topics(
        settings.kafka, {STREAMS.name, *truth, *(_TOPICS[mode] for mode in modes.values())}
    )
    load = load_detector or partial(open_recognizer, settings.model)
    with ExitStack() as stack:
        ways = {
            mode: stack.enter_context(_way(mode, settings, load, clock_ns)) for mode in set(modes.values())
        }
        offsets = committed_offsets(kafka_clients.admin(settings.kafka, client_id="sightline-pacing"))
        pacer = stack.enter_context(Pacer(offsets))
        publishers = [way.publisher for way in ways.values()]
        # Two containers can have the same host name and process id.
        instance = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
        statuses = Statuses(publishers[0], instance, clock_ns, on_status)
        members: dict[str, Member] = {}
        watch = stack.enter_context(
            StreamWatch(
                settings.kafka,
                partitions[STREAMS.name],
                streams,
                instance,
                lambda name, rival: members[name].supersede(rival),
            )
        )
        for name, stream in streams.items():
            members[name] = Member(
                name,
                stream,
                settings.gateway,
                way=ways[modes[name]],
                pacer=pacer,
                state_dir=state_dir,
                watch=watch,
                statuses=statuses,
                clock_ns=clock_ns,
            )
        _watch(list(members.values()), statuses, publishers, stop, settings.status.interval_s)
        stored = _final_answer(statuses, stop)
        return GatewayReport({each.stream_id: each.report() for each in members.values()}, stored)


@contextmanager
def _way(
    mode: Mode, settings: Settings, load: Callable[[], DetectorLike], clock_ns: ClockNs
) -> Iterator[Way]:
    told = largest_records(settings.kafka, [_TOPICS[mode]])
    limits, reductions = SizeLimits(told), Reductions()
    if mode == "frames":
        quality = settings.gateway.jpeg_quality
        encode, compression = frame_encoder(quality, clock_ns, limits, reductions), "none"
    else:
        encode, compression = detection_encoder(load(), clock_ns, limits, reductions), "lz4"
    producer = kafka_clients.producer(
        settings.kafka,
        client_id=f"sightline-gateway-{mode}",
        compression=compression,
        delivery_timeout_s=settings.gateway.delivery_timeout_s,
        max_batch_bytes=told.get(_TOPICS[mode], 0),
    )
    with Publisher(producer, limits) as publisher:
        yield Way(_TOPICS[mode], _GROUPS[mode], encode, publisher, reductions)


def _watch(
    members: Sequence[Member],
    statuses: Statuses,
    publishers: Sequence[Publisher],
    stop: threading.Event,
    interval_s: float,
) -> None:
    """Report the streams until the last one is over, and see to it that they end once `stop` is set."""
    for member in members:
        member.start()
    running, stopped_s, report_s = list(members), 0.0, time.monotonic()
    while running:
        time.sleep(_TICK_S)
        if stop.is_set():
            stopped_s += _TICK_S
            for member in running:
                member.stop()
            _press(running, publishers, stopped_s)
        for member in [each for each in running if each.done]:
            running.remove(member)
            statuses.final(report := member.report())
            _log_end(report)
        if time.monotonic() - report_s >= interval_s:
            report_s = time.monotonic()
            for member in running:
                if member.started:
                    statuses.running(member.report())


def _log_end(report: StreamReport) -> None:
    lost = any(name.startswith("dropped.") for name in report.counters)
    counted = ", ".join(f"{name.removeprefix('dropped.')} {count}" for name, count in report.counters.items())
    level = logging.WARNING if lost or report.state == "failed" else logging.INFO
    _LOG.log(level, "Stream %s %s: %s. %s", report.stream_id, report.state, counted, report.message)


def _press(running: Sequence[Member], publishers: Sequence[Publisher], stopped_s: float) -> None:
    """After the grace give up what the broker has not taken, and after twice as long whoever hangs."""
    if stopped_s > GRACE_S:
        for publisher in publishers:
            publisher.purge()
    if stopped_s > 2 * GRACE_S:
        for member in running:
            member.give_up()


def _final_answer(statuses: Statuses, stop: threading.Event) -> bool:
    """Wait until the broker has the final statuses; once stopped, only for the grace."""
    stopped_s = 0.0
    while (stored := statuses.wait_final(_TICK_S)) is None:
        stopped_s += _TICK_S if stop.is_set() else 0.0
        if stopped_s > GRACE_S:
            return False
    return stored
