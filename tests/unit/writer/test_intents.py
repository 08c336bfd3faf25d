"""An intent names the whole unit, whoever reads it, and fits into an offset's metadata."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.writer.intents import MAX_METADATA_BYTES, decode, encode, fitting, token
from consumers.writer.records import Range

RANGES = st.lists(
    st.builds(
        lambda partition, start, length: Range(partition, start, start + length),
        st.integers(0, 100_000),
        st.integers(0, 2**62),
        st.integers(1, 2**62),
    ),
    min_size=1,
    max_size=300,
    unique_by=lambda found: found.partition,
)


@given(RANGES)
def test_what_is_encoded_is_decoded_in_order_of_partitions(ranges: list[Range]) -> None:
    assert decode(encode(ranges)) == tuple(sorted(ranges))


@given(st.none() | st.text())
def test_what_is_no_intent_of_ours_is_none(text: str | None) -> None:
    if not (text or "").startswith("w1:"):
        assert decode(text) == ()


def test_a_damaged_intent_is_none() -> None:
    assert decode("w1:1@2") == ()
    assert decode("w1:1@2+3,x") == ()
    assert decode("w1:") == ()


@given(RANGES)
def test_groups_hold_every_range_once_and_fit(ranges: list[Range]) -> None:
    groups = list(fitting(ranges))
    assert sorted(r for group in groups for r in group) == sorted(ranges)
    assert all(len(encode(group)) <= MAX_METADATA_BYTES for group in groups)


def test_few_ranges_are_one_group() -> None:
    assert list(fitting([Range(1, 5, 9), Range(0, 1, 2)])) == [(Range(0, 1, 2), Range(1, 5, 9))]


def test_a_token_depends_on_everything_that_makes_an_insert_another_one() -> None:
    ranges = [Range(0, 1, 2), Range(1, 5, 9)]
    tokens = {
        token("t", ranges, "frames", 1),
        token("u", ranges, "frames", 1),
        token("t", ranges[:1], "frames", 1),
        token("t", ranges, "tracks", 1),
        token("t", ranges, "frames", 2),
    }
    assert len(tokens) == 5
    assert token("t", ranges[::-1], "frames", 1) in tokens
