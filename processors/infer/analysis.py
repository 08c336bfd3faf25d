"""Asks Triton about a handful of frames, waits out its absence, and isolates a bad frame."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from processors.infer.client import Analyzed, TritonRefused, TritonUnavailable

log = logging.getLogger(__name__)

Sleep = Callable[[float], Awaitable[None]]


class Analyzer(Protocol):
    """Who looks at the pictures."""

    async def analyze(self, jpegs: Sequence[bytes], timeout_s: float) -> list[Analyzed]:
        """One result a picture, in order; raises `TritonUnavailable` or `TritonRefused`."""
        ...

    async def is_ready(self) -> bool:
        """Whether the model answers requests now."""
        ...


@dataclass(frozen=True)
class Unusable:
    """A frame that cannot be analysed, and why."""

    reason: str


@dataclass(frozen=True)
class RetryPolicy:
    """How long to wait for Triton, and when to give a frame up.

    Attributes:
        timeout_s: A request without an answer for this long is asked again.
        max_tries: A frame that alone makes a ready Triton fail this often is given up.
        first_delay_s: First wait when Triton is away; doubles up to `max_delay_s`.
        max_delay_s: Longest wait between two looks at whether Triton is back.
    """

    timeout_s: float
    max_tries: int
    first_delay_s: float = 0.1
    max_delay_s: float = 2.0


class FrameAnalysis:
    """Analyses frames; waits for Triton as long as it takes, and gives up only a frame that is to blame.

    A Triton that is away or slow is back-pressure, never loss. A request that Triton refuses is halved
    until the frame at fault stands alone. One during which Triton dies is suspect: suspects are asked
    again one at a time, while nothing else of this worker's is under suspicion, so that a frame that
    kills Triton cannot take its neighbours into the dead letters.
    """

    def __init__(self, analyzer: Analyzer, policy: RetryPolicy, sleep: Sleep = asyncio.sleep) -> None:
        self._analyzer = analyzer
        self._policy = policy
        self._sleep = sleep
        self._suspects = asyncio.Lock()

    async def run(self, jpegs: Sequence[bytes]) -> list[Analyzed | Unusable]:
        """One entry a picture, in order."""
        reason = ""
        for attempt in range(1, self._policy.max_tries + 1):
            try:
                answers = await self._ask(jpegs)
            except TritonRefused as error:
                if len(jpegs) > 1:
                    middle = len(jpegs) // 2
                    return await self.run(jpegs[:middle]) + await self.run(jpegs[middle:])
                reason = str(error)
                log.warning(
                    "Triton failed on one frame, try %d of %d: %s", attempt, self._policy.max_tries, reason
                )
            else:
                return [Unusable(answer.error) if answer.error else answer for answer in answers]
        return [Unusable(f"Triton failed on this frame {self._policy.max_tries} times: {reason}")]

    async def _ask(self, jpegs: Sequence[bytes]) -> list[Analyzed]:
        try:
            return await self._analyzer.analyze(jpegs, self._policy.timeout_s)
        except TritonUnavailable as error:
            log.warning("waiting for Triton: %s", error)
        async with self._suspects:
            while True:
                await self._until_ready()
                try:
                    answers = await self._analyzer.analyze(jpegs, self._policy.timeout_s)
                except TritonUnavailable as error:
                    if error.timed_out:
                        continue  # slow is not broken
                    raise TritonRefused(f"Triton went away during the request ({error})") from error
                log.info("Triton answers again")
                return answers

    async def _until_ready(self) -> None:
        delay_s = self._policy.first_delay_s
        while not await self._analyzer.is_ready():
            await self._sleep(delay_s)
            delay_s = min(delay_s * 2, self._policy.max_delay_s)
