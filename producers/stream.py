"""One stream: takes frames out of its source and sees each of them to the broker."""

import logging
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from producers.account import FrameAccount
from producers.encoding import ClockNs, Encode, Grabbed
from producers.limits import FrameRefusedError
from producers.newest import Newest
from producers.publisher import Publisher
from producers.sources import Gap, Picture, Source
from producers.stopping import StreamStop
from producers.truth_sender import TruthSender
from sightline.errors import SightlineError
from sightline.redaction import scrubbed
from sightline.vision.jpeg import ImageError

_LOG = logging.getLogger(__name__)

_WAIT_S: Final = 0.2
_RETRY_S: Final = 0.01
_READER_STOP_S: Final = 1.0
_HELD_S: Final = 0.15  # how far a live stream may fall behind before frames are dropped


@dataclass(frozen=True)
class StreamPlan:
    """What is done with a stream.

    Attributes:
        stream_id: The stream.
        epoch: This start of it.
        topic: Where its messages go.
        encode: Makes them.
        open: Opens its source; raises `SightlineError`.
        max_in_flight: Most frames that wait for the broker's answer.
        max_ahead: Most frames that a file's consumers have yet to take, or None for no limit.
        tells_truth: Whether to publish what the source knows about its frames.
        address: Where its source is; errors of libraries quote it, and a password in it is not to be told.
        claim: Called when the source is open; returns the epoch to use, if not `epoch` then a higher one.
    """

    stream_id: str
    epoch: int
    topic: str
    encode: Encode
    open: Callable[[], Source]
    max_in_flight: int
    max_ahead: int | None
    tells_truth: bool = False
    address: str = ""
    claim: Callable[[], int] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a stream came to its end.

    Attributes:
        state: As in its status.
        message: A sentence for people, empty if all went well.
    """

    state: Literal["ended", "failed"]
    message: str = ""


class StreamRun:
    """Captures one stream in the calling thread, and for a live source a second one that never waits.

    A file waits while the broker or its consumers are slow. A camera cannot: what comes meanwhile is dropped,
    as `overtaken` while a frame is encoded and as `queue_full` while the broker is slow.
    """

    def __init__(
        self,
        plan: StreamPlan,
        publisher: Publisher,
        account: FrameAccount,
        stop: StreamStop,
        clock_ns: ClockNs,
    ) -> None:
        self._plan = plan
        self._epoch = plan.epoch
        self._publisher = publisher
        self._account = account
        self._stop = stop
        self._clock_ns = clock_ns
        self._started_ns = 0
        self._source: Source | None = None
        self._key = plan.stream_id.encode()
        self._waiting = ""
        self._reader_error: Exception | None = None
        self._truth: TruthSender | None = None
        self.refused: Counter[str] = Counter()
        self._why_refused: dict[str, str] = {}

    @property
    def message(self) -> str:
        """What people should know about it now, empty if all is well."""
        source = self._source.message if self._source else ""
        return " ".join(part for part in (self._waiting, source, *self._refusals()) if part)

    def counters(self) -> dict[str, int]:
        """What became of the stream's frames, and of the truth about them if it is told."""
        return self._account.counters() | (self._truth.counters() if self._truth else {})

    def run(self) -> Outcome:
        """Capture until the source ends or is stopped and every frame is accounted for. Never raises."""
        outcome = self._guarded()
        self._account.close()
        while not self._account.wait_settled(_WAIT_S):
            self._waiting = f"Waits for the broker to store {self._account.in_flight} frames."
        while self._truth is not None and not self._truth.wait_settled(_WAIT_S):
            self._waiting = "Waits for the broker to store the truth about its frames."
        self._waiting = ""
        return outcome

    def _guarded(self) -> Outcome:
        try:
            self._source = source = self._plan.open()
            if self._plan.claim is not None:
                self._epoch = self._plan.claim()
            self._started_ns = self._clock_ns()
            if self._plan.tells_truth and source.legend is not None:
                self._truth = TruthSender(
                    self._publisher, self._key, source.legend, self._started_ns, self._clock_ns
                )
            (self._run_live if source.live else self._run_file)(source)
        except SightlineError as error:
            message = scrubbed(str(error), self._plan.address)
            _LOG.error("Stream %s: %s", self._plan.stream_id, message)
            return Outcome("failed", message)
        except Exception as error:
            said = scrubbed("".join(traceback.format_exception(error)), self._plan.address)
            _LOG.error("Stream %s failed unexpectedly.\n%s", self._plan.stream_id, said)
            message = f"Unexpected error: {type(error).__name__}: {error}."
            return Outcome("failed", scrubbed(message, self._plan.address))
        # A camera has no end, so being stopped is all it can come to.
        cut_short = self._stop.is_set() and not source.live
        said = "Stopped before its end." if cut_short else source.message
        return Outcome("ended", " ".join(part for part in (said, *self._refusals()) if part))

    def _run_file(self, source: Source) -> None:
        try:
            pictures = source.pictures(self._stop)
            while self._wait_for_room() and (picture := next(pictures, None)) is not None:
                if isinstance(picture, Gap):
                    self._account.miss(picture.count, picture.reason)
                elif (grabbed := self._grab(source, picture)) is not None:
                    self._send(grabbed, patient=True)
        finally:
            source.close()

    def _run_live(self, source: Source) -> None:
        slot: Newest[Grabbed] = Newest(max(1, round(_HELD_S * source.fps)))
        name = f"read {self._plan.stream_id}"
        reader = threading.Thread(target=self._read_live, args=(source, slot), name=name, daemon=True)
        reader.start()
        try:
            self._send_newest(slot)
        finally:
            # A reader that hangs in a dead connection is left behind: it can capture and put no more.
            self._account.close()
            slot.close()
            while slot.take(0) is not None:
                self._account.drop(self._stop.reason)
        if self._reader_error is not None:
            raise self._reader_error

    def _send_newest(self, slot: Newest[Grabbed]) -> None:
        waited_after_stop_s = 0.0
        while not slot.finished and waited_after_stop_s < _READER_STOP_S:
            grabbed = slot.take(_WAIT_S)
            if grabbed is None:
                waited_after_stop_s += _WAIT_S if self._stop.is_set() else 0.0
            elif self._account.in_flight < self._plan.max_in_flight:
                self._send(grabbed, patient=False)
            else:
                self._account.drop("queue_full")

    def _read_live(self, source: Source, slot: Newest[Grabbed]) -> None:
        try:
            for picture in source.pictures(self._stop):
                if isinstance(picture, Gap):
                    self._account.miss(picture.count, picture.reason)
                    continue
                grabbed = self._grab(source, picture)
                if grabbed is None:
                    return
                displaced = slot.put(grabbed)
                if displaced is not None:
                    self._account.drop(self._stop.reason if displaced is grabbed else "overtaken")
        except Exception as error:
            self._reader_error = error
        finally:
            slot.close()
            source.close()

    def _grab(self, source: Source, picture: Picture) -> Grabbed | None:
        seq = self._account.capture()
        if seq is None:
            return None
        now_ns = self._clock_ns()
        event_ns = self._started_ns + picture.timestamp_ns if source.own_clock else now_ns
        truth = picture.truth if self._truth is not None else None
        if self._truth is not None and truth is not None:
            self._truth.note(seq, truth)
        return Grabbed(self._plan.stream_id, self._epoch, seq, event_ns, now_ns, picture.image, truth)

    def _send(self, grabbed: Grabbed, *, patient: bool) -> None:
        """Encode and publish one frame in hand; when this returns or raises it is in hand no more."""
        try:
            message = self._plan.encode(grabbed)
        except FrameRefusedError as error:
            self._refuse(grabbed, error.reason, error.why)
            return
        except ImageError as error:
            self._refuse(grabbed, "not_encodable", f"it {error}")
            return
        except BaseException:
            self._account.drop("error")
            raise
        while not self._publisher.try_send(self._plan.topic, self._key, message, self._account):
            if not patient:
                self._account.drop("queue_full")
                return
            if self._stop.wait(_RETRY_S):
                self._account.drop(self._stop.reason)
                return
        if self._truth is not None:
            self._truth.send(grabbed, self._stop)

    def _refuse(self, grabbed: Grabbed, reason: str, why: str) -> None:
        """Drop a frame that cannot be published; the first one for a reason is logged, all are reported."""
        self._account.drop(reason)
        self._why_refused[reason] = why
        self.refused[reason] += 1
        if self.refused[reason] == 1:
            _LOG.warning(
                "Stream %s: frame %d was dropped (%s): %s.", grabbed.stream_id, grabbed.seq, reason, why
            )

    def _refusals(self) -> list[str]:
        return [
            f"Frames dropped as {reason}: {count}; of the last one, {self._why_refused[reason]}."
            for reason, count in sorted(self.refused.items())
        ]

    def _wait_for_room(self) -> bool:
        """Wait until one more frame may be read; False if the stream is stopped."""
        plan, waited = self._plan, 0
        while not self._stop.is_set():
            if self._account.wait_for_room(plan.max_in_flight, plan.max_ahead, _WAIT_S):
                self._waiting = ""
                return True
            waited += 1
            if waited * _WAIT_S >= 2:
                self._waiting = self._why_waiting()
        return False

    def _why_waiting(self) -> str:
        if self._account.in_flight >= self._plan.max_in_flight:
            return f"Waits for the broker to store {self._account.in_flight} frames."
        return f"Waits for its consumers, who have yet to take {self._account.ahead} frames."
