import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dead_letters import DeadLetter
from schemas.detections import Detections
from schemas.tracks import Tracks
from tests.unit.golden.samples import MESSAGES as SAMPLES
from tests.unit.schemas import strategies
from tests.unit.schemas.comparing import differences


@pytest.mark.parametrize("kind", strategies.MESSAGES)
@given(data=st.data())
def test_any_valid_message_comes_back_as_it_was(kind: str, data: st.DataObject) -> None:
    message = data.draw(strategies.MESSAGES[kind])
    packed = message.to_bytes()
    assert differences(type(message).from_bytes(packed), message) == []
    assert type(message).from_bytes(packed).to_bytes() == packed


@given(strategies.dead_letters())
def test_any_dead_letter_comes_back_as_it_was(letter: DeadLetter) -> None:
    assert DeadLetter.from_record(letter.key, letter.value, letter.headers()) == letter


def test_arrays_of_another_layout_or_byte_order_are_sent_as_the_schema_says() -> None:
    sample: Detections = SAMPLES["detections.v1"]
    odd = Detections(
        **{
            **vars(sample),
            "boxes": np.asfortranarray(sample.boxes.astype(">f8")),
            "scores": np.repeat(sample.scores, 2)[::2].astype(">f4"),
            "class_ids": sample.class_ids.astype(np.int64),
        }
    )
    assert odd.to_bytes() == sample.to_bytes()


def test_decoded_arrays_cannot_be_changed_by_accident() -> None:
    decoded = Tracks.from_bytes(SAMPLES["tracks.v1"].to_bytes())
    for array in (decoded.boxes, decoded.scores, decoded.track_ids, decoded.label_ids, decoded.observed):
        assert not array.flags.writeable


def test_the_order_in_which_names_were_collected_does_not_change_the_bytes() -> None:
    sample: Detections = SAMPLES["detections.v1"]
    turned = Detections(**{**vars(sample), "names": dict(reversed(sample.names.items()))})
    assert turned.to_bytes() == sample.to_bytes()
