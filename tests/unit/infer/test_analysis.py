"""Waits for Triton, blames the frame that is to blame, and no other."""

import asyncio
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from processors.infer.analysis import FrameAnalysis, RetryPolicy, Unusable
from processors.infer.client import Analyzed, TritonRefused, TritonUnavailable

POLICY = RetryPolicy(timeout_s=1.0, max_tries=3)


def found(error: str | None = None) -> Analyzed:
    return Analyzed(
        np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.uint16), 640, 360, error
    )


class FakeTriton:
    """Answers by a rule: the rule gets the JPEGs and the number of the call, and may raise."""

    def __init__(self, rule: Callable[[Sequence[bytes], int], None]) -> None:
        self.rule = rule
        self.calls: list[list[bytes]] = []
        self.ready_after = 0

    async def analyze(self, jpegs: Sequence[bytes], timeout_s: float) -> list[Analyzed]:
        self.calls.append(list(jpegs))
        self.rule(jpegs, len(self.calls))
        return [found("truncated JPEG" if jpeg == b"cut" else None) for jpeg in jpegs]

    async def is_ready(self) -> bool:
        self.ready_after -= 1
        return self.ready_after < 0


def run(triton: FakeTriton, *jpegs: bytes) -> list[Analyzed | Unusable]:
    async def no_sleep(_seconds: float) -> None:
        await asyncio.sleep(0)

    return asyncio.run(FrameAnalysis(triton, POLICY, no_sleep).run(jpegs))


def test_a_picture_that_cannot_be_decoded_is_unusable_and_its_neighbours_are_not():
    answers = run(FakeTriton(lambda *_: None), b"a", b"cut", b"b")
    assert [isinstance(answer, Unusable) for answer in answers] == [False, True, False]
    assert answers[1] == Unusable("truncated JPEG")


def test_a_triton_that_is_away_is_waited_for_and_no_frame_is_given_up():
    def away_at_first(_jpegs: Sequence[bytes], call: int) -> None:
        if call == 1:
            raise TritonUnavailable("connection refused")

    triton = FakeTriton(away_at_first)
    triton.ready_after = 500
    answers = run(triton, b"a", b"b")
    assert [type(answer) for answer in answers] == [Analyzed, Analyzed]
    assert triton.calls == [[b"a", b"b"], [b"a", b"b"]]


def test_a_slow_triton_never_costs_a_frame():
    def slow(_jpegs: Sequence[bytes], call: int) -> None:
        if call <= 20:
            raise TritonUnavailable("deadline exceeded", timed_out=True)

    assert [type(answer) for answer in run(FakeTriton(slow), b"a")] == [Analyzed]


@pytest.mark.parametrize("position", range(8))
def test_the_one_frame_that_triton_refuses_is_given_up_alone(position):
    def refuse(jpegs: Sequence[bytes], _call: int) -> None:
        if b"bad" in jpegs:
            raise TritonRefused("out of memory")

    jpegs = [b"good"] * 8
    jpegs[position] = b"bad"
    answers = run(FakeTriton(refuse), *jpegs)
    assert [type(answer) for answer in answers] == [
        Unusable if index == position else Analyzed for index in range(8)
    ]
    assert answers[position] == Unusable("Triton failed on this frame 3 times: out of memory")


def test_a_frame_that_kills_triton_is_given_up_alone():
    def die(jpegs: Sequence[bytes], _call: int) -> None:
        if b"killer" in jpegs:
            raise TritonUnavailable("socket closed")

    answers = run(FakeTriton(die), b"a", b"killer", b"b")
    assert [type(answer) for answer in answers] == [Analyzed, Unusable, Analyzed]


def test_a_frame_that_fails_once_is_kept():
    def fail_once(_jpegs: Sequence[bytes], call: int) -> None:
        if call == 1:
            raise TritonRefused("a hiccup")

    assert [type(answer) for answer in run(FakeTriton(fail_once), b"a")] == [Analyzed]


def test_frames_in_other_requests_are_not_blamed_for_a_killer_beside_them():
    """Requests that were under way when Triton died are asked again one after the other."""

    class Dying(FakeTriton):
        under_way = 0

        async def analyze(self, jpegs: Sequence[bytes], timeout_s: float) -> list[Analyzed]:
            self.under_way += 1
            self.doomed = self.__dict__.get("doomed", False) or b"killer" in jpegs
            await asyncio.sleep(0)
            doomed, self.under_way = self.doomed, self.under_way - 1
            if self.under_way == 0:
                self.doomed = False
            if doomed:
                raise TritonUnavailable("socket closed")
            return [found() for _ in jpegs]

    async def scene() -> list[list[Analyzed | Unusable]]:
        analysis = FrameAnalysis(Dying(lambda *_: None), POLICY, lambda _s: asyncio.sleep(0))
        return list(await asyncio.gather(*(analysis.run([jpeg]) for jpeg in (b"a", b"killer", b"b", b"c"))))

    answers = asyncio.run(scene())
    assert [type(answer[0]) for answer in answers] == [Analyzed, Unusable, Analyzed, Analyzed]
