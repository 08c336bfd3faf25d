"""Engines are run in batches that fit them, with memory that is allocated once."""

import threading
from dataclasses import replace

import numpy as np
import pytest

from sightline.errors import SightlineError
from sightline.vision.cuda import Cuda
from sightline.vision.detector import Detector
from sightline.vision.heads import Head
from sightline.vision.model import ULTRALYTICS, ModelSpec
from sightline.vision.tensorrt_backend import TensorRtBackend
from tests.unit.engines.fake_cuda import FakeDriver
from tests.unit.engines.fake_tensorrt import FakeTensorRt

SPEC = ModelSpec(Head.YOLOV8, 64, 32, "images", "output0", ("low", "high"), ULTRALYTICS)


def load(library: FakeTensorRt, plan: bytes | None = None, spec: ModelSpec = SPEC) -> TensorRtBackend:
    assert library.driver is not None
    cuda = Cuda(library.driver.library)
    return TensorRtBackend(library, cuda, plan or library.plan(), spec.signature, "fast.plan")


@pytest.fixture(params=["8.6.1", "10.13.0.35", "11.4.0.106"])
def library(request: pytest.FixtureRequest) -> FakeTensorRt:
    return FakeTensorRt(request.param, FakeDriver())


def levels(*values: float) -> np.ndarray:
    return np.stack([np.full((3, 32, 64), value, np.float32) for value in values])


def test_each_picture_gets_its_own_answer_whatever_the_batch(library: FakeTensorRt) -> None:
    with load(library) as backend:
        for values in ((1, 2, 3, 4), (5,), (6, 7), (8, 9, 10, 11)):
            (output,) = backend.infer(levels(*values))
            assert output.shape == (len(values), 6, 42)
            assert output[:, 0, 0].tolist() == list(values)


def test_an_answer_stays_as_it_was_when_the_next_one_comes(library: FakeTensorRt) -> None:
    with load(library) as backend:
        (first,) = backend.infer(levels(1))
        backend.infer(levels(2))
        assert (first == 1).all()


def test_memory_is_allocated_when_loading_and_never_again(library: FakeTensorRt) -> None:
    backend = load(library)
    assert library.driver is not None
    there = dict(library.driver.live)
    picture, found = 3 * 32 * 64 * 4, 6 * 42 * 4
    assert sorted(there.values()) == sorted([4 * picture] * 2 + [4 * found] * 2)
    del library.driver.calls[:]
    for count in (1, 4, 2):
        backend.infer(levels(*range(count)))
    assert library.driver.live == there
    assert not {"cuMemAlloc_v2", "cuMemHostAlloc", "cuStreamCreate"} & set(library.driver.calls)
    backend.close()
    assert library.driver.live == {}


def test_a_run_is_one_copy_in_one_copy_out_and_one_wait(library: FakeTensorRt) -> None:
    backend = load(library)
    assert library.driver is not None
    del library.driver.calls[:]
    backend.infer(levels(1, 2))
    assert library.driver.calls == [
        "cuCtxSetCurrent",
        "cuMemcpyHtoDAsync_v2",
        "cuMemcpyDtoHAsync_v2",
        "cuStreamSynchronize",
    ]


def test_a_detector_cuts_its_pictures_into_batches_that_the_engine_takes(library: FakeTensorRt) -> None:
    with load(library) as backend:
        assert backend.capabilities.max_batch == 4
        found = Detector(SPEC, backend).detect([np.zeros((32, 64, 3), np.uint8)] * 11)
    assert len(found) == 11


def test_an_engine_of_a_fixed_batch_gets_whole_batches() -> None:
    library = FakeTensorRt("10.13.0", FakeDriver(), (3, 3, 32, 64), (3, 6, 42))
    with load(library, spec=replace(SPEC, batch=3)) as backend:
        assert backend.capabilities.max_batch == 3
        (output,) = backend.infer(levels(7, 8))
        assert output[:, 0, 0].tolist() == [7, 8]


def test_half_precision_inputs_and_outputs_are_carried_as_they_are(library: FakeTensorRt) -> None:
    with load(library, library.plan(dtype="float16")) as backend:
        (output,) = backend.infer(levels(1, 2).astype(np.float16))
        assert output.dtype == np.float16
        assert output[:, 0, 0].tolist() == [1, 2]


def test_an_engine_with_two_outputs_gives_those_that_are_asked_for_in_this_order() -> None:
    library = FakeTensorRt("10.13.0", FakeDriver(), (-1, 3, 32, 64), (-1, 6, 42), (-1, 5))
    library.names = ["images", "boxes", "extra"]
    for outputs in (("boxes", "extra"), ("extra", "boxes"), ("extra",)):
        signature = replace(SPEC.signature, output_names=outputs)
        assert library.driver is not None
        with TensorRtBackend(
            library, Cuda(library.driver.library), library.plan(), signature, "fast.plan"
        ) as backend:
            results = backend.infer(levels(1, 2))
        shapes = {"boxes": (2, 6, 42), "extra": (2, 5)}
        values = {"boxes": [1, 2], "extra": [2, 3]}
        assert [result.shape for result in results] == [shapes[name] for name in outputs]
        assert [result.reshape(2, -1)[:, 0].tolist() for result in results] == [
            values[name] for name in outputs
        ]


def test_several_threads_take_turns() -> None:
    library = FakeTensorRt(driver=FakeDriver())
    wrong: list[float] = []
    with load(library) as backend:

        def work(value: float) -> None:
            for _ in range(50):
                (output,) = backend.infer(levels(value, value))
                if not (output == value).all():
                    wrong.append(value)

        threads = [threading.Thread(target=work, args=(float(number),)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_an_engine_of_another_version_is_refused_with_its_reason(library: FakeTensorRt) -> None:
    with pytest.raises(SightlineError, match=r"cannot be loaded: .* not compatible") as caught:
        load(library, library.plan(version="9.0"))
    assert "sightline models build" in caught.value.fix


def test_an_engine_of_another_model_is_refused(library: FakeTensorRt) -> None:
    with pytest.raises(SightlineError, match=r"inputs \['pixels'\]"):
        load(library, library.plan(names=["pixels", "output0"]))
    with pytest.raises(SightlineError, match=r"takes \(3, 64, 64\)"):
        load(library, library.plan(input=[-1, 3, 64, 64]))


def test_an_output_whose_size_the_model_decides_is_refused(library: FakeTensorRt) -> None:
    with pytest.raises(SightlineError, match="has no fixed size") as caught:
        load(library, library.plan(outputs=[[-1, -1, 6]]))
    assert "without NMS" in caught.value.fix


def test_a_run_that_fails_is_an_error(library: FakeTensorRt) -> None:
    with pytest.raises(SightlineError, match=r"fast\.plan cannot run"):
        load(library, library.plan(broken=True)).infer(levels(1))


@pytest.mark.parametrize(
    "batch", [np.zeros((5, 3, 32, 64)), np.zeros((0, 3, 32, 64)), np.zeros((1, 3, 64, 64))]
)
def test_a_batch_that_does_not_fit_is_an_error(batch: np.ndarray) -> None:
    library = FakeTensorRt(driver=FakeDriver())
    with pytest.raises(SightlineError, match="takes 1 to 4 pictures"):
        load(library).infer(batch.astype(np.float32))
