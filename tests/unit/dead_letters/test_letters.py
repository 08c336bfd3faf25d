"""What the records of the dead letter topic say together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letters import DeadLetter
from schemas.fields import MAX_INT
from sightline.dead_letters import Filter, Place, parse_place, select
from sightline.dead_letters.letters import Collected, receipt_headers, stream_of
from sightline.dead_letters.view import describe, hexdump
from sightline.errors import SightlineError

LOG = "sightline.dead-letters.v1"


def letter(
    offset: int, stage: str = "infer", at_ns: int = 5, key: bytes | None = b"gate", **fields
) -> DeadLetter:
    return DeadLetter(
        value=b"bad",
        key=key,
        reason="why",
        stage=stage,
        topic="t",
        partition=2,
        offset=offset,
        at_ns=at_ns,
        **fields,
    )


def collected(*letters: DeadLetter) -> Collected:
    found = Collected()
    for number, each in enumerate(letters):
        found.take(Place(LOG, 0, number), each.key, each.value, each.headers())
    return found


def test_a_letter_that_the_log_holds_twice_is_one_and_the_first_counts():
    (found,) = collected(letter(7, at_ns=5), letter(7, at_ns=9)).letters
    assert (found.origin, found.letter.at_ns, found.at.offset) == (Place("t", 2, 7), 5, 0)
    assert (found.size_bytes, found.letter.value) == (3, b"")


def test_letters_of_two_stages_about_one_record_are_two():
    assert [each.letter.stage for each in collected(letter(7), letter(7, "write", at_ns=6)).letters] == [
        "infer",
        "write",
    ]


def test_a_receipt_marks_its_letter_and_is_no_letter_itself():
    found = collected(letter(7), letter(8))
    first, _ = found.letters
    found.take(Place(LOG, 0, 9), b"gate", None, receipt_headers(first, 1234))
    assert [each.retried_at_ns for each in found.letters] == [1234, None]
    assert found.strangers == 0


def test_a_receipt_without_its_letter_is_ignored():
    found = Collected()
    found.take(Place(LOG, 0, 0), b"gate", None, receipt_headers(collected(letter(7)).letters[0], 1))
    assert found.letters == []


def test_what_is_no_letter_is_counted_and_hurts_nobody():
    found = collected(letter(7))
    found.take(Place(LOG, 0, 1), None, b"noise", [("reason", b"\xff")])
    assert (len(found.letters), found.strangers) == (1, 1)


def test_filters_take_by_stream_stage_and_time():
    letters = collected(letter(1), letter(2, "track"), letter(3, at_ns=9), letter(4, key=b"yard")).letters

    def offsets(wanted: Filter) -> set[int]:
        return {each.letter.offset for each in select(letters, [], wanted)}

    assert offsets(Filter()) == {1, 2, 3, 4}
    assert offsets(Filter(stream_id="yard")) == {4}
    assert offsets(Filter(stage="track")) == {2}
    assert offsets(Filter(since_ns=9)) == {3}


def test_the_stream_is_that_of_the_headers_else_the_key():
    assert stream_of(letter(1, key=b"k", stream_id="gate")) == "gate"
    assert stream_of(letter(1, key=b"\xffk")) == "\\xffk"
    assert stream_of(letter(1, key=None)) == ""


def test_a_named_record_without_a_letter_is_an_error_with_its_name():
    with pytest.raises(SightlineError, match="no dead letter about t/2/8"):
        select(collected(letter(7)).letters, [Place("t", 2, 7), Place("t", 2, 8)], Filter())


@given(st.from_regex(r"[a-z0-9._-]{1,60}", fullmatch=True), st.integers(0, 10**9), st.integers(0, MAX_INT))
def test_a_place_is_read_as_it_is_written(topic, partition, offset):
    place = Place(topic, partition, offset)
    assert parse_place(str(place)) == place


@pytest.mark.parametrize("text", ["", "t", "t/1", "t/x/1", "t/1/-1", "a b/1/1", f"t/1/{2**63}", "t/1/1/1"])
def test_what_is_no_place_is_refused(text):
    with pytest.raises(SightlineError, match="TOPIC/PARTITION/OFFSET"):
        parse_place(text)


@given(st.binary(max_size=400))
def test_a_hexdump_holds_every_byte(data):
    shown = "".join(line[10:57] for line in hexdump(data).splitlines())
    assert bytes.fromhex(shown) == data


@given(st.binary(max_size=200))
def test_any_bytes_can_be_described(data):
    assert describe(data).isprintable() or "\n" in describe(data)


def test_a_message_is_described_field_by_field_and_arrays_by_their_length():
    found = describe(b"\x82\xa3seq\x07\xa5boxes\xc4\x20" + bytes(32))
    assert found == "  seq: 7\n  boxes: 32 bytes"
