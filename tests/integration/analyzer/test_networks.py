"""Both networks in one call: in the process of the analyzer, and as Triton models of their own."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from processors.infer.client import Analyzed, AnalyzerClient, TritonUnavailable
from sightline.errors import SightlineError
from sightline.stack.triton import LocalTriton
from sightline.vision.appearance import find_appearance
from sightline.vision.detector import Detector
from sightline.vision.jpeg import decode_jpeg, encode_jpeg
from sightline.vision.model import MODEL_FILE
from sightline.vision.model_configs import Networks
from sightline.vision.onnx_backend import OnnxBackend
from sightline.vision.palette import PALETTE
from sightline.vision.recognizer import Appearance, Recognizer
from sightline.vision.repository import Serving, models_in, write_repository
from tests.appearance_network import ATTRIBUTES, write_appearance
from triton_repo.demo_detector import write_demo_detector

TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Made:
    """What is served, and the same in this process."""

    serving: Serving
    recognizer: Recognizer


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("networks")
    spec = write_demo_detector(folder / "detector")
    path, look = find_appearance(write_appearance(folder / "appearance"))
    detector = Detector(spec, OnnxBackend(folder / "detector" / MODEL_FILE))
    outputs = (look.embedding_name, look.probabilities_name)
    recognizer = Recognizer(detector, Appearance(look, OnnxBackend(path, output_names=outputs)))
    return Made(Serving(folder / "detector" / MODEL_FILE, spec, (path, look)), recognizer)


@pytest.fixture(scope="module", params=["in-process", "python"])
def triton(
    request: pytest.FixtureRequest, made: Made, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalTriton]:
    folder = tmp_path_factory.mktemp(request.param)
    yield from serve(made, request.param, folder)


def serve(made: Made, networks: Networks, folder: Path) -> Iterator[LocalTriton]:
    serving = Serving(made.serving.detector, made.serving.spec, made.serving.appearance, networks=networks)
    repository = write_repository(folder / "repository", serving)
    with LocalTriton(repository, models_in(repository), folder / "triton.log") as server:
        yield server


def scene(count: int, width: int = 640, height: int = 360) -> bytes:
    """A JPEG with `count` objects in a row."""
    image = np.full((height, width, 3), 100, np.uint8)
    for index in range(count):
        x, kind = 10 + 110 * index, PALETTE[index % len(PALETTE)]
        corner = (x + kind.width_px - 1, 50 + kind.height_px - 1)
        cv2.rectangle(image, (x, 50), corner, kind.bgr, cv2.FILLED)
    return encode_jpeg(image)


def ask(url: str, *requests: list[bytes]) -> list[list[Analyzed]]:
    async def run() -> list[list[Analyzed]]:
        async with AnalyzerClient(url) as client:
            return await asyncio.gather(*(client.analyze(jpegs, TIMEOUT_S) for jpegs in requests))

    return asyncio.run(run())


def assert_same(found: Analyzed, made: Made, jpeg: bytes) -> None:
    assert found.error is None
    (expected,) = made.recognizer.detect([decode_jpeg(jpeg)])
    assert found.class_ids.tolist() == expected.class_ids.tolist()
    assert found.boxes == pytest.approx(expected.boxes, abs=0.05)
    assert found.embeddings is not None
    assert found.probabilities is not None
    assert (found.embeddings.dtype, found.probabilities.dtype) == (np.float16, np.float32)
    assert found.embeddings == pytest.approx(expected.embeddings, abs=5e-3)
    assert found.probabilities == pytest.approx(expected.probabilities, abs=5e-3)


def test_triton_says_what_the_networks_in_this_process_say(triton: LocalTriton, made: Made) -> None:
    jpegs = [scene(n) for n in range(6)]
    (found,) = ask(triton.grpc_url, jpegs)
    for count, jpeg, one in zip(range(6), jpegs, found, strict=True):
        assert len(one.scores) == count
        assert_same(one, made, jpeg)
        assert one.embeddings is not None
        assert one.embeddings.any(axis=1).tolist() == (one.scores >= 0.25).tolist()


def test_bad_jpegs_beside_good_ones_in_many_requests_at_once(triton: LocalTriton, made: Made) -> None:
    good, cut = scene(3), scene(3)[:-40]
    requests = [[good, cut], [cut], [scene(5, 900, 500)] * 9, [b""], [scene(0)], [scene(1), good, b"x"]]
    for jpegs, answers in zip(requests, ask(triton.grpc_url, *requests), strict=True):
        for jpeg, answer in zip(jpegs, answers, strict=True):
            if jpeg in (cut, b"", b"x"):
                assert answer.error in ("truncated JPEG", "no JPEG")
                assert len(answer.scores) == 0
            else:
                assert_same(answer, made, jpeg)


def test_a_full_batch_has_many_crops(triton: LocalTriton, made: Made) -> None:
    jpeg = scene(6, 700)
    (found,) = ask(triton.grpc_url, [jpeg] * 32)
    assert sum(len(one.scores) for one in found) == 32 * 6
    for one in found:
        assert_same(one, made, jpeg)


def test_a_client_learns_the_attributes(triton: LocalTriton) -> None:
    async def labels() -> tuple[str, ...]:
        async with AnalyzerClient(triton.grpc_url) as client:
            return tuple((await client.labels()).attributes)

    assert asyncio.run(labels()) == ATTRIBUTES


def test_the_servers_own_view_of_each_model_is_what_we_declared(triton: LocalTriton, made: Made) -> None:
    from tritonclient.grpc import InferenceServerClient

    client = InferenceServerClient(triton.grpc_url)
    index = client.get_model_repository_index().models
    assert all(model.state == "READY" for model in index)
    if len(index) == 1:
        return
    parsed = {model.name: client.get_model_config(model.name).config for model in index}
    assert parsed.keys() == {"analyzer", "appearance", "detector"}
    assert parsed["detector"].max_batch_size == 32
    assert list(parsed["detector"].dynamic_batching.preferred_batch_size) == [8, 16, 32]
    assert parsed["detector"].dynamic_batching.max_queue_delay_microseconds == 5000
    assert list(parsed["appearance"].output[1].dims) == [len(ATTRIBUTES)]
    client.close()


def test_while_a_network_is_away_clients_wait_and_no_frame_is_blamed(made: Made, tmp_path: Path) -> None:
    from tritonclient.grpc import InferenceServerClient

    async def question(url: str) -> bool:
        async with AnalyzerClient(url) as client:
            with pytest.raises(TritonUnavailable):
                await client.analyze([scene(1)], TIMEOUT_S)
            return await client.is_ready()

    for server in serve(made, "python", tmp_path):
        admin = InferenceServerClient(server.grpc_url)
        admin.unload_model("appearance")
        assert asyncio.run(question(server.grpc_url)) is False
        admin.load_model("appearance")
        ((found,),) = ask(server.grpc_url, [scene(2)])
        assert_same(found, made, scene(2))
        admin.close()


@pytest.mark.parametrize(
    ("model", "wrong", "right"),
    [
        ("detector", "preferred_batch_size: 32", "preferred_batch_size: 64"),
        ("appearance", "max_batch_size: 128", "max_batch_size: many"),
        ("analyzer", "TYPE_STRING", "TYPE_TEXT"),
    ],
)
def test_triton_refuses_a_configuration_that_is_broken(
    made: Made, tmp_path: Path, model: str, wrong: str, right: str
) -> None:
    serving = Serving(made.serving.detector, made.serving.spec, made.serving.appearance, networks="python")
    repository = write_repository(tmp_path / "repository", serving)
    config = repository / model / "config.pbtxt"
    assert wrong in config.read_text()
    config.write_text(config.read_text().replace(wrong, right))
    log = tmp_path / "triton.log"
    with pytest.raises(SightlineError, match="triton ended while starting"):
        LocalTriton(repository, models_in(repository), log).__enter__()
    complaints = [line for line in log.read_text().splitlines() if line.startswith(("E", "error"))]
    assert any(model in line for line in complaints)
