"""Hypothesis strategies for every valid message of each kind."""

from typing import Any, Final

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from schemas.alerts import Alert
from schemas.arrays import MAX_COORDINATE_PX
from schemas.classifications import Classification
from schemas.control import MODES, StreamCommand
from schemas.dead_letters import MAX_REASON_CHARS, DeadLetter
from schemas.detections import Detections
from schemas.fields import MAX_INT, MAX_NAME_CHARS, MAX_SIDE_PX
from schemas.frames import Frame
from schemas.streams import STATES, StreamStatus
from schemas.tracks import Tracks
from schemas.truth import DIRECTIONS, Truth, TruthEvent

STREAM_IDS: Final = st.text("AZaz09._-", min_size=1, max_size=64).filter(lambda text: text not in (".", ".."))
INTS: Final = st.integers(0, MAX_INT)
NAMES: Final = st.text(max_size=MAX_NAME_CHARS)
SIDES: Final = st.integers(1, MAX_SIDE_PX)
_SMALL_NAMES: Final = st.lists(st.text(max_size=8), min_size=1, max_size=5).map(tuple)


def identities() -> st.SearchStrategy[dict[str, Any]]:
    """The fields of `StreamMessage`."""
    trace = st.lists(st.tuples(NAMES, INTS), max_size=32).map(tuple)
    return st.fixed_dictionaries(
        {"stream_id": STREAM_IDS, "epoch": INTS, "seq": INTS, "captured_at_ns": INTS, "trace": trace}
    )


def boxes(count: int) -> st.SearchStrategy[Any]:
    """Valid boxes (count, 4)."""
    side = st.floats(-MAX_COORDINATE_PX, MAX_COORDINATE_PX, width=32)
    corners = hnp.arrays(np.float32, (count, 2, 2), elements=side)
    return corners.map(lambda pairs: np.sort(pairs, axis=1).reshape(count, 4))


def unit_floats(*shape: int) -> st.SearchStrategy[Any]:
    """float32 in 0..1."""
    return hnp.arrays(np.float32, shape, elements=st.floats(0, 1, width=32))


@st.composite
def frames(draw: st.DrawFn) -> Frame:
    return Frame(
        **draw(identities()), width=draw(SIDES), height=draw(SIDES), jpeg=draw(st.binary(max_size=200))
    )


@st.composite
def detections(draw: st.DrawFn) -> Detections:
    count = draw(st.integers(0, 5))
    names = draw(st.dictionaries(st.integers(0, 0xFFFF), NAMES, min_size=1, max_size=5))
    own: dict[str, Any] = {}
    if draw(st.booleans()):
        columns = draw(st.integers(1, 6)) if count else 0
        finite = st.floats(allow_nan=False, allow_infinity=False, width=16)
        own["embeddings"] = draw(hnp.arrays(np.float16, (count, columns), elements=finite))
    if draw(st.booleans()):
        own["attributes"] = draw(_SMALL_NAMES)
        own["probabilities"] = draw(unit_floats(count, len(own["attributes"])))
    return Detections(
        **draw(identities()),
        width=draw(SIDES),
        height=draw(SIDES),
        boxes=draw(boxes(count)),
        scores=draw(unit_floats(count)),
        class_ids=draw(hnp.arrays(np.uint16, count, elements=st.sampled_from(sorted(names)))),
        labels=draw(NAMES),
        names=names,
        **own,
    )


@st.composite
def tracks(draw: st.DrawFn) -> Tracks:
    count = draw(st.integers(0, 5))
    labels = draw(_SMALL_NAMES)
    return Tracks(
        **draw(identities()),
        width=draw(SIDES),
        height=draw(SIDES),
        detections=draw(st.integers(0, 4096)),
        track_ids=draw(hnp.arrays(np.uint64, count, elements=INTS)),
        boxes=draw(boxes(count)),
        scores=draw(unit_floats(count)),
        label_ids=draw(hnp.arrays(np.uint16, count, elements=st.integers(0, len(labels) - 1))),
        labels=labels,
        observed=draw(hnp.arrays(np.bool_, count)),
        left_out=draw(st.dictionaries(st.sampled_from(["detections_over_limit", "tracks_full"]), INTS)),
    )


@st.composite
def classifications(draw: st.DrawFn) -> Classification:
    return Classification(
        **draw(identities()),
        track_id=draw(INTS),
        label=draw(NAMES),
        previous=draw(st.none() | NAMES),
        confidence=draw(st.floats(0, 1)),
    )


def statuses() -> st.SearchStrategy[StreamStatus]:
    return st.builds(
        StreamStatus,
        stream_id=STREAM_IDS,
        epoch=INTS,
        stage=NAMES,
        instance=NAMES,
        at_ns=INTS,
        state=st.sampled_from(STATES),
        counters=st.dictionaries(NAMES, INTS, max_size=8),
        message=st.text(max_size=2000),
    )


def commands() -> st.SearchStrategy[StreamCommand]:
    return st.builds(
        StreamCommand,
        stream_id=STREAM_IDS,
        issued_at_ns=INTS,
        max_rate_fps=st.none() | st.floats(0.001, 1000),
        max_width_px=st.none() | st.integers(16, MAX_SIDE_PX),
        mode=st.none() | st.sampled_from(MODES),
    )


def alerts() -> st.SearchStrategy[Alert]:
    text = st.text(min_size=1, max_size=60)
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.floats(allow_nan=False, allow_infinity=False)
    )
    json_values = st.recursive(
        leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10
    )
    moments = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    return st.builds(
        Alert,
        id=text,
        source=text,
        type=text,
        subject=STREAM_IDS,
        time=moments,
        data=st.dictionaries(st.text(), json_values, max_size=5),
    )


def truth_events() -> st.SearchStrategy[TruthEvent]:
    px = st.floats(-MAX_COORDINATE_PX, MAX_COORDINATE_PX, width=32)
    points = st.lists(st.tuples(px, px), min_size=2, max_size=8).map(tuple)
    return st.one_of(
        st.builds(TruthEvent, kind=st.just("defined"), place=NAMES, at_ns=INTS, points=points),
        st.builds(
            TruthEvent,
            kind=st.just("crossed"),
            place=NAMES,
            at_ns=INTS,
            object_id=INTS,
            direction=st.sampled_from(DIRECTIONS[1:]),
        ),
        st.builds(
            TruthEvent, kind=st.sampled_from(["entered", "left"]), place=NAMES, at_ns=INTS, object_id=INTS
        ),
    )


@st.composite
def truths(draw: st.DrawFn) -> Truth:
    count = draw(st.integers(0, 5))
    classes, attributes = draw(_SMALL_NAMES), draw(_SMALL_NAMES)
    return Truth(
        **draw(identities()),
        width=draw(SIDES),
        height=draw(SIDES),
        boxes=draw(boxes(count)),
        object_ids=draw(hnp.arrays(np.uint64, count, elements=INTS, unique=True)),
        class_ids=draw(hnp.arrays(np.uint16, count, elements=st.integers(0, len(classes) - 1))),
        classes=classes,
        attribute_ids=draw(hnp.arrays(np.uint16, count, elements=st.integers(0, len(attributes) - 1))),
        attributes=attributes,
        visibility=draw(unit_floats(count)),
        events=draw(st.lists(truth_events(), max_size=4).map(tuple)),
    )


@st.composite
def dead_letters(draw: st.DrawFn) -> DeadLetter:
    known = draw(st.booleans())
    return DeadLetter(
        value=draw(st.binary(max_size=50)),
        key=draw(st.none() | st.binary(max_size=20)),
        reason=draw(st.text(max_size=MAX_REASON_CHARS)),
        stage=draw(NAMES),
        topic=draw(NAMES),
        partition=draw(INTS),
        offset=draw(INTS),
        at_ns=draw(INTS),
        stream_id=draw(STREAM_IDS) if known else "",
        epoch=draw(INTS) if known else None,
        seq=draw(INTS) if known else None,
    )


MESSAGES: Final = {
    "frames": frames(),
    "detections": detections(),
    "tracks": tracks(),
    "classifications": classifications(),
    "streams": statuses(),
    "control": commands(),
    "alerts": alerts(),
    "truth": truths(),
}
