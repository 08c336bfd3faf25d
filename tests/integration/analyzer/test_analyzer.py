"""The analyzer in a real Triton, with the demo's detector, through the client that the infer stage uses."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import cv2
import numpy as np
import psutil
import pytest
from numpy.typing import NDArray

from processors.infer.client import Analyzed, AnalyzerClient, TritonRefused, TritonUnavailable
from sightline.errors import SightlineError
from sightline.stack.ports import free_ports
from sightline.stack.triton import LocalTriton
from sightline.vision.detector import Detected
from sightline.vision.jpeg import decode_jpeg, encode_jpeg
from sightline.vision.model import MODEL_FILE
from sightline.vision.palette import PALETTE
from sightline.vision.repository import Serving, write_repository
from triton_repo.demo_detector import write_demo_detector

TIMEOUT_S = 30.0
T = TypeVar("T")


def scene(count: int, width: int = 640, height: int = 360) -> bytes:
    """A JPEG with `count` objects in a row."""
    image = np.full((height, width, 3), 100, np.uint8)
    for index in range(count):
        x = 10 + 110 * index
        kind = PALETTE[index % len(PALETTE)]
        cv2.rectangle(image, (x, 50), (x + kind.width_px - 1, 50 + kind.height_px - 1), kind.bgr, cv2.FILLED)
    return encode_jpeg(image)


def ask(url: str, question: Callable[[AnalyzerClient], Awaitable[T]], model: str = "analyzer") -> T:
    async def run() -> T:
        async with AnalyzerClient(url, model) as client:
            return await question(client)

    return asyncio.run(run())


def assert_same(found: Analyzed, expected: Detected) -> None:
    assert found.error is None
    assert found.class_ids.tolist() == expected.class_ids.tolist()
    assert found.scores == pytest.approx(expected.scores, abs=1e-3)
    assert found.boxes.shape == expected.boxes.shape
    for box, other in zip(found.boxes, expected.boxes, strict=True):
        assert iou(box, other) >= 0.99


def iou(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    return float(shared / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - shared))


def test_it_finds_what_the_detector_in_this_process_finds(demo: Any) -> None:
    jpegs = [scene(n) for n in range(6)]
    found = ask(demo.url, lambda client: client.analyze(jpegs, TIMEOUT_S))
    for count, jpeg, one in zip(range(6), jpegs, found, strict=True):
        assert len(one.scores) == count
        assert (one.width, one.height) == (640, 360)
        assert (one.boxes.dtype, one.scores.dtype, one.class_ids.dtype) == (np.float32, np.float32, np.uint16)
        assert_same(one, demo.detector.detect([decode_jpeg(jpeg)])[0])


def test_bad_jpegs_get_their_reason_and_their_neighbours_their_result(demo: Any) -> None:
    good = scene(3)
    jpegs = [good, good[:-40], b"", good, b"\0" * 99, scene(2)]
    found = ask(demo.url, lambda client: client.analyze(jpegs, TIMEOUT_S))
    assert [one.error for one in found] == [None, "truncated JPEG", "no JPEG", None, "no JPEG", None]
    assert [len(one.scores) for one in found] == [3, 0, 0, 3, 0, 2]
    assert [(one.width, one.height) for one in found if one.error] == [(0, 0)] * 3


def test_requests_in_flight_together_get_each_its_own_answer(demo: Any) -> None:
    requests = [
        [scene(n % 5, 640 + 2 * n) for n in range(start, start + size)]
        for start, size in ((0, 1), (1, 3), (4, 1), (5, 8), (13, 2), (15, 1), (16, 5), (21, 1))
    ]

    async def all_at_once(client: AnalyzerClient) -> list[list[Analyzed]]:
        return await asyncio.gather(*(client.analyze(jpegs, TIMEOUT_S) for jpegs in requests))

    n = 0
    for jpegs, answers in zip(requests, ask(demo.url, all_at_once), strict=True):
        assert len(answers) == len(jpegs)
        for answer in answers:
            assert (len(answer.scores), answer.width) == (n % 5, 640 + 2 * n)
            n += 1


def test_a_client_learns_the_labels_without_a_file(demo: Any) -> None:
    labels = ask(demo.url, lambda client: client.labels())
    assert labels.version == demo.spec.labels_version
    assert labels.names == tuple(kind.name for kind in PALETTE)
    assert labels.attributes == ()


def test_a_configuration_without_labels_is_refused(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def question(client: AnalyzerClient) -> None:
        async def no_labels(*_: object, **__: object) -> Any:
            parameters = {
                key: SimpleNamespace(string_value="") for key in ("labels", "labels_version", "attributes")
            }
            return SimpleNamespace(config=SimpleNamespace(parameters=parameters))

        monkeypatch.setattr(client._client, "get_model_config", no_labels)
        await client.labels()

    with pytest.raises(TritonRefused, match="does not tell its class names"):
        ask(demo.url, question)


def test_no_jpegs_need_no_server() -> None:
    assert ask("127.0.0.1:1", lambda client: client.analyze([], TIMEOUT_S)) == []


def test_a_request_over_the_batch_size_or_the_message_size_is_refused(demo: Any) -> None:
    small = scene(1)
    with pytest.raises(TritonRefused, match="32"):
        ask(demo.url, lambda client: client.analyze([small] * 33, TIMEOUT_S))
    with pytest.raises(TritonRefused, match="larger than max"):
        ask(demo.url, lambda client: client.analyze([b"\0" * 14_000_000] * 5, TIMEOUT_S))
    assert len(ask(demo.url, lambda client: client.analyze([small] * 32, TIMEOUT_S))) == 32


def test_no_server_and_no_such_model_are_things_to_wait_for(demo: Any) -> None:
    (port,) = free_ports(1)
    for url, model in ((f"127.0.0.1:{port}", "analyzer"), (demo.url, "other")):
        assert not ask(url, lambda client: client.is_ready(), model)
        for question in (lambda c: c.analyze([scene(1)], TIMEOUT_S), lambda c: c.labels()):
            with pytest.raises(TritonUnavailable) as caught:
                ask(url, question, model)
            assert not caught.value.timed_out


def test_no_answer_in_time_is_told_apart(demo: Any) -> None:
    with pytest.raises(TritonUnavailable) as caught:
        ask(demo.url, lambda client: client.analyze([scene(1)] * 32, 0.001))
    assert caught.value.timed_out


def test_a_server_whose_model_process_is_killed_ends_and_can_be_started_again(tmp_path: Path) -> None:
    spec = write_demo_detector(tmp_path / "model")
    repository = write_repository(tmp_path / "repository", Serving(tmp_path / "model" / MODEL_FILE, spec))
    with LocalTriton(repository, ["analyzer"], tmp_path / "triton.log") as triton:
        for stub in stubs(triton.pid):
            stub.send_signal(signal.SIGKILL)
        deadline = time.monotonic() + 30
        while triton.exit_code() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert triton.exit_code() == -signal.SIGKILL
        with pytest.raises(TritonUnavailable):
            ask(triton.grpc_url, lambda client: client.analyze([scene(3)], TIMEOUT_S))
        assert not ask(triton.grpc_url, lambda client: client.is_ready())
        triton.start()
        triton.wait_ready()
        assert ask(triton.grpc_url, until_ready)
        assert len(ask(triton.grpc_url, lambda client: client.analyze([scene(3)], TIMEOUT_S))[0].scores) == 3


async def until_ready(client: AnalyzerClient) -> bool:
    """gRPC tries a broken connection again after a moment, also for a new client in the same process."""
    for _ in range(300):
        if await client.is_ready():
            return True
        await asyncio.sleep(0.1)
    return False


def test_a_dead_model_process_in_a_server_that_calls_it_ready_is_not_ready(tmp_path: Path) -> None:
    spec = write_demo_detector(tmp_path / "model")
    repository = write_repository(tmp_path / "repository", Serving(tmp_path / "model" / MODEL_FILE, spec))
    with LocalTriton(repository, ["analyzer"], tmp_path / "triton.log") as triton:
        children = psutil.Process(triton.pid).children(recursive=True)
        for guard in [child for child in children if child.name() == "sh"]:
            guard.kill()
        for stub in stubs(triton.pid):
            stub.kill()
        assert not ask(triton.grpc_url, lambda client: client.is_ready())
        with pytest.raises(TritonUnavailable, match="not healthy"):
            ask(triton.grpc_url, lambda client: client.analyze([scene(3)], TIMEOUT_S))
        triton.kill()


def test_a_stopped_server_leaves_no_process_behind(tmp_path: Path) -> None:
    spec = write_demo_detector(tmp_path / "model")
    repository = write_repository(tmp_path / "repository", Serving(tmp_path / "model" / MODEL_FILE, spec))
    with LocalTriton(repository, ["analyzer"], tmp_path / "triton.log") as triton:
        children = psutil.Process(triton.pid).children(recursive=True)
        assert {child.name() for child in children} >= {"sh"}
    assert psutil.wait_procs(children, timeout=10)[1] == []


def stubs(server_pid: int) -> Sequence[psutil.Process]:
    found = [p for p in psutil.Process(server_pid).children(recursive=True) if "python_b" in p.name()]
    assert found
    return found


def test_a_model_that_cannot_be_loaded_is_told_in_the_log_and_in_the_error(tmp_path: Path) -> None:
    spec = write_demo_detector(tmp_path / "model")
    repository = write_repository(tmp_path / "repository", Serving(tmp_path / "model" / MODEL_FILE, spec))
    (repository / "analyzer" / "1" / "model.json").write_text("{}")
    log = tmp_path / "triton.log"
    with pytest.raises(SightlineError, match=r"metadata .*model\.json cannot be used"):
        LocalTriton(repository, ["analyzer"], log).__enter__()
    assert "The model 'analyzer' cannot be loaded: SightlineError: The model's metadata" in log.read_text()
