"""One stream of a gateway with its thread, its state on disk and its account."""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from producers.account import FrameAccount
from producers.capture import open_source
from producers.claims import sentence
from producers.encoding import ClockNs, Encode
from producers.epochs import next_epoch, only_reader
from producers.limits import Reductions
from producers.pacing import Pacer
from producers.publisher import Publisher
from producers.sources import Source
from producers.statuses import Statuses, StreamReport
from producers.stopping import StreamStop
from producers.stream import Outcome, StreamPlan, StreamRun
from producers.watch import StreamWatch
from schemas.streams import StreamStatus
from sightline.errors import SightlineError
from sightline.known_sources import remember_source
from sightline.redaction import scrubbed
from sightline.settings import GatewaySettings, StreamSettings
from sightline.stream_names import identity_of

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Way:
    """The way that a stream's frames take.

    Attributes:
        topic: Where its messages go.
        group: Who takes them from there.
        encode: Makes them.
        publisher: Sends them.
        reductions: How many of them went out with less than was asked for.
    """

    topic: str
    group: str
    encode: Encode
    publisher: Publisher
    reductions: Reductions = field(default_factory=Reductions)


class Member:
    """A stream that is captured in a thread of its own.

    Args:
        stream_id: The stream.
        stream: Its source.
        settings: What holds for all streams.
        way: Where its frames go.
        pacer: Learns what a file's consumers have taken.
        state_dir: Keeps its epoch and its lock.
        watch: Knows what other gateways have of the stream.
        statuses: Where it says that it begins.
        clock_ns: The wall clock.
    """

    def __init__(
        self,
        stream_id: str,
        stream: StreamSettings,
        settings: GatewaySettings,
        *,
        way: Way,
        pacer: Pacer,
        state_dir: Path,
        watch: StreamWatch,
        statuses: Statuses,
        clock_ns: ClockNs,
    ) -> None:
        self.stream_id = stream_id
        self._stream = stream
        self._settings = settings
        self._way = way
        self._pacer = pacer
        self._state_dir = state_dir
        self._watch = watch
        self._statuses = statuses
        self._stop = StreamStop()
        self._clock_ns = clock_ns
        self._epoch = 0
        self._account = FrameAccount(paced=settings.read_ahead_frames > 0)
        self._run: StreamRun | None = None
        self._outcome: Outcome | None = None
        self._thread = threading.Thread(target=self._capture, name=f"stream {stream_id}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let it end."""
        self._stop.set()

    def supersede(self, rival: StreamStatus) -> None:
        """Let it end because another gateway has taken the stream over."""
        self._stop.supersede(sentence(self.stream_id, self._epoch, rival))

    @property
    def started(self) -> bool:
        """Whether it has its epoch, and so something to report."""
        return self._epoch > 0

    @property
    def done(self) -> bool:
        """Whether it is over and every frame accounted for."""
        return self._outcome is not None

    def report(self) -> StreamReport:
        """How it stands."""
        counters = self._run.counters() if self._run else self._account.counters()
        if reduced := self._way.reductions.frames(self.stream_id):
            counters = counters | {"reduced": reduced}
        if self._outcome is None:
            message = self._run.message if self._run else ""
            return StreamReport(self.stream_id, self._epoch, "running", message, counters)
        state, message = self._outcome.state, self._outcome.message
        if state == "ended" and nothing_arrived(counters):
            state, message = "failed", f"None of its {counters['captured']} frames was published. {message}"
        if lost := self._not_stored(counters):
            message = f"{message} The broker did not store {lost} frames."
        if reduced:
            message = f"{message} Too large as asked for, and published with less: {reduced} frames."
        superseded = self._stop.superseded
        return StreamReport(self.stream_id, self._epoch, state, message.strip(), counters, superseded)

    def _not_stored(self, counters: Mapping[str, int]) -> int:
        """Frames that the broker refused or did not answer for."""
        refused = self._run.refused if self._run else {}
        reasons = ("delivery_timeout", "delivery_failed", "too_large")
        return sum(counters.get(f"dropped.{reason}", 0) - refused.get(reason, 0) for reason in reasons)

    def give_up(self) -> None:
        """Call it failed, for a thread that hangs somewhere and does not stop."""
        self._account.close()
        self._outcome = Outcome("failed", "It did not stop in time; its last frames are not accounted for.")

    def _capture(self) -> None:
        try:
            with only_reader(self._state_dir / f"{self.stream_id}.lock"):
                self._take_epoch(self._watch.newest_epoch(self.stream_id) + 1)
                self._remember_source()
                outcome = self._captured(self._epoch)
                if self._stop.superseded:
                    outcome = Outcome("failed", self._stop.message)
        except SightlineError as error:
            message = scrubbed(str(error), self._stream.source)
            _LOG.error("Stream %s: %s", self.stream_id, message)
            outcome = Outcome("failed", message)
        self._outcome = self._outcome or outcome

    def _remember_source(self) -> None:
        try:
            note = remember_source(self._state_dir, self.stream_id, identity_of(self._stream.source))
            if note:
                _LOG.warning("%s", note)
        except OSError as error:
            raise SightlineError(
                f"The source of the stream cannot be noted in {self._state_dir}: {error.strerror}.",
                "Give the gateway a folder that it may write to, on a disk that is not full.",
            ) from error

    def _captured(self, epoch: int) -> Outcome:
        plan = StreamPlan(
            stream_id=self.stream_id,
            epoch=epoch,
            topic=self._way.topic,
            encode=self._way.encode,
            open=self._opener(),
            max_in_flight=self._settings.max_queue_frames,
            max_ahead=self._settings.read_ahead_frames or None,
            tells_truth=self._settings.truth,
            address=self._stream.source,
            claim=self._claim,
        )
        self._run = StreamRun(plan, self._way.publisher, self._account, self._stop, self._clock_ns)
        self._pacer.watch(self._way.group, self._way.topic, self._account)
        try:
            return self._run.run()
        finally:
            self._pacer.unwatch(self._account)

    def _take_epoch(self, least: int) -> int:
        now_s = self._clock_ns() // 1_000_000_000
        self._epoch = next_epoch(self._state_dir / f"{self.stream_id}.epoch", now_s, least)
        return self._epoch

    def _claim(self) -> int:
        def announce(epoch: int) -> None:
            self._statuses.announce(self.stream_id, epoch)

        return self._watch.claim(self.stream_id, self._epoch, announce, self._take_epoch)

    def _opener(self) -> Callable[[], Source]:
        def opened() -> Source:
            source = open_source(
                self._stream.source,
                realtime=self._stream.realtime,
                reconnect_delay_s=self._settings.reconnect_delay_s,
                open_tries=self._settings.open_tries,
                stop=self._stop,
            )
            if source.live:
                self._account.stop_pacing()
            return source

        return opened


def nothing_arrived(counters: Mapping[str, int]) -> bool:
    """Whether a stream's every frame was given up, and not only because it was told to stop."""
    dropped = sum(count for name, count in counters.items() if name.startswith("dropped."))
    return not counters["published"] and dropped > counters.get("dropped.stopped", 0)
