"""Who of several gateways has a stream, from their statuses in the order of the partition."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from producers.claims import StreamClaims, sentence
from producers.gateway import GatewayReport
from producers.statuses import StreamReport
from schemas.streams import StreamStatus
from sightline.ending import SUPERSEDED_EXIT


def status(instance: str, epoch: int, captured: int = 0, state: str = "running") -> StreamStatus:
    return StreamStatus(
        stream_id="gate",
        epoch=epoch,
        stage="capture",
        instance=instance,
        at_ns=1,
        state=state,
        counters={"captured": captured},
    )


def held(*before: StreamStatus, epoch: int = 10) -> StreamClaims:
    """The claims of gateway "me" that has read these, and then its own claim."""
    claims = StreamClaims("me")
    for each in (*before, status("me", epoch)):
        claims.see(each)
    assert claims.hold(epoch)
    return claims


def test_a_claim_holds_once_it_has_come_back_and_nobody_before_it_was_as_high() -> None:
    claims = StreamClaims("me")
    claims.see(status("other", 9, 5))
    assert claims.hold(10) is None
    claims.see(status("me", 10))
    assert claims.hold(10) is True


@pytest.mark.parametrize("epoch", [10, 11])
def test_a_claim_behind_anothers_of_the_same_or_a_higher_epoch_does_not_hold(epoch: int) -> None:
    claims = StreamClaims("me")
    for each in (status("other", epoch), status("me", 10)):
        claims.see(each)
    assert claims.hold(10) is False
    assert claims.newest_epoch() == epoch


@pytest.mark.parametrize(
    ("later", "takes_over"),
    [
        (status("other", 11), True),  # a claim
        (status("other", 11, 5, "ended"), True),
        (status("other", 11, 0, "failed"), False),  # its camera could not be opened
        (status("other", 10), False),  # it will read our claim and claim again
        (status("other", 10, 3), True),  # it knows of no claims
        (status("other", 9, 3), False),
        (status("me", 11), False),
    ],
)
def test_who_comes_later_takes_over_if_it_is_newer_and_has_begun(
    later: StreamStatus, takes_over: bool
) -> None:
    claims = held(status("other", 3, 1))
    claims.see(later)
    assert (claims.rival is later) == takes_over


@given(st.data())
def test_however_claims_interleave_two_gateways_never_hold_one_epoch_and_the_last_is_not_told_to_stop(
    data: st.DataObject,
) -> None:
    names = "abc"[: data.draw(st.integers(2, 3))]
    epochs = {name: data.draw(st.integers(1, 4), label=f"clock of {name}") for name in names}
    claims = {name: StreamClaims(name) for name in names}
    read = dict.fromkeys(names, 0)
    holds: dict[str, int] = {}
    log = [status(name, epochs[name]) for name in data.draw(st.permutations(names))]
    for _ in itertools.count():
        waiting = [name for name in names if read[name] < len(log)]
        if not waiting:
            break
        name = data.draw(st.sampled_from(waiting))
        claims[name].see(log[read[name]])
        read[name] += 1
        if name not in holds and (answer := claims[name].hold(epochs[name])) is not None:
            if answer:
                holds[name] = epochs[name]
                log.append(status(name, epochs[name], 1))  # a status with its first frame
            else:
                epochs[name] = claims[name].newest_epoch() + 1
                log.append(status(name, epochs[name]))
    assert holds.keys() == set(names)
    assert len(set(holds.values())) == len(names)
    last = max(names, key=lambda name: holds[name])
    assert [name for name in names if claims[name].rival is None] == [last]


def test_the_sentence_names_the_other_and_both_epochs() -> None:
    told = sentence("gate", 10, status("edge-2-77", 11))
    assert "(edge-2-77) has started the stream gate with a newer epoch (11; this one's is 10)" in told
    assert "with the same epoch" in sentence("gate", 10, status("edge-2-77", 10))


@pytest.mark.parametrize(
    ("states", "stored", "code"),
    [
        ([("ended", False)], True, 0),
        ([("failed", True)], True, SUPERSEDED_EXIT),
        ([("failed", True), ("ended", False)], True, SUPERSEDED_EXIT),
        ([("failed", True), ("failed", False)], True, 1),
        ([("failed", True)], False, 1),
    ],
)
def test_the_exit_code_says_whether_another_gateway_is_all_that_was_wrong(
    states: list[tuple[str, bool]], stored: bool, code: int
) -> None:
    streams = {
        str(n): StreamReport(str(n), 1, state, "", {}, superseded)
        for n, (state, superseded) in enumerate(states)
    }
    assert GatewayReport(streams, stored).exit_code == code
