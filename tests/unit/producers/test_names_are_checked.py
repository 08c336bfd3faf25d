"""Nothing is published under a name that is none; a gateway notes where its streams come from."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from producers.account import FrameAccount
from producers.gateway import run_gateway
from producers.member import Member, Way
from producers.publisher import Publisher
from producers.replay import run_replay
from producers.statuses import Statuses, StreamReport
from schemas.streams import StreamStatus
from sightline.errors import SightlineError
from sightline.known_sources import read_known
from sightline.settings import GatewaySettings, KafkaSettings, Settings, StreamSettings
from tests.unit.producers.gateway_fakes import FakeProducer, encode_number

# Whoever reached for it would get another error, and late.
NOWHERE = Settings(kafka=KafkaSettings(bootstrap="127.0.0.1:9"))


@pytest.mark.parametrize("name", ["Back Porch", "cam/1", "..", ""])
def test_a_gateway_captures_no_stream_with_a_name_that_is_none(name: str, tmp_path: Path) -> None:
    streams = {"gate": StreamSettings(source="a.mp4"), name: StreamSettings(source="b.mp4")}
    with pytest.raises(SightlineError, match="is no stream id"):
        run_gateway(streams, NOWHERE, state_dir=tmp_path / "s", stop=threading.Event())
    assert not (tmp_path / "s").exists()


def test_a_gateway_captures_nothing_from_an_address_whose_password_is_not_encoded(tmp_path: Path) -> None:
    streams = {"gate": StreamSettings(source="rtsp://u:S3/cr3T@10.0.0.1/x")}
    with pytest.raises(SightlineError, match="%2F for /") as caught:
        run_gateway(streams, NOWHERE, state_dir=tmp_path, stop=threading.Event())
    assert "cr3T" not in str(caught.value)


def test_a_load_generator_makes_no_streams_with_names_that_are_none() -> None:
    with pytest.raises(SightlineError, match="'re play-000' is no stream id"):
        run_replay(NOWHERE, streams=1, prefix="re play")


class Unwatched:
    """A pacer that learns nothing, and a watch that knows of no other gateway."""

    def watch(self, group: str, topic: str, account: FrameAccount) -> None:
        pass

    def unwatch(self, account: FrameAccount) -> None:
        pass

    def newest_epoch(self, stream_id: str) -> int:
        return -1


def test_a_gateway_notes_where_a_stream_comes_from_without_its_password(tmp_path: Path) -> None:
    way = Way("topic", "group", encode_number, Publisher(FakeProducer([])))
    source = "ftp://admin:S3cr3T@cam/x?token=S3cr3T"
    member = Member(
        "gate",
        StreamSettings(source=source),
        GatewaySettings(),
        way=way,
        pacer=Unwatched(),  # type: ignore[arg-type]  # has what is used of it
        state_dir=tmp_path,
        watch=Unwatched(),  # type: ignore[arg-type]  # likewise
        statuses=Statuses(way.publisher, "x", lambda: 7 * 10**9),
        clock_ns=lambda: 7 * 10**9,
    )
    member.start()
    member._thread.join(10)
    report = member.report()
    assert report.state == "failed"
    assert "The source ftp://***@cam/x?token=*** begins with ftp://" in report.message
    assert read_known(tmp_path) == {"gate": ("ftp://cam/x?token=***",)}
    assert not any(b"S3cr3T" in file.read_bytes() for file in tmp_path.iterdir())


def test_a_status_tells_no_password(tmp_path: Path) -> None:
    shown: list[StreamStatus] = []
    on_status: Callable[[StreamStatus], None] = shown.append
    statuses = Statuses(Publisher(FakeProducer([])), "here", lambda: 1, on_status)
    statuses.running(StreamReport("gate", 1, "running", "Lost rtsp://u:S3cr3T@cam/1.", {}))
    assert [status.message for status in shown] == ["Lost rtsp://***@cam/1."]
