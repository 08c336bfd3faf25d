"""What we ask of CUDA's driver, against a driver of C functions on this process's memory."""

import numpy as np
import pytest

from sightline.errors import SightlineError
from sightline.vision import cuda as module
from sightline.vision.cuda import Cuda, Gpu
from tests.unit.engines.fake_cuda import FakeDriver


def test_it_tells_which_gpu_it_is() -> None:
    with_driver = Cuda(FakeDriver().library)
    assert with_driver.gpu == Gpu("NVIDIA Fake 9000", (9, 1))


def test_what_is_sent_comes_back_and_only_the_rows_that_were_asked_for() -> None:
    driver = FakeDriver()
    cuda = Cuda(driver.library)
    buffer = cuda.buffer((4, 2, 3), np.dtype(np.float32))
    buffer.host[...] = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    cuda.send(buffer, 4)
    cuda.wait()
    buffer.host[...] = -1
    cuda.fetch(buffer, 3)
    assert (buffer.host == -1).all(), "a copy is under way until it has been waited for"
    cuda.wait()
    assert buffer.host[:3].ravel().tolist() == list(range(18))
    assert (buffer.host[3] == -1).all()


def test_closing_gives_everything_back_once() -> None:
    driver = FakeDriver()
    cuda = Cuda(driver.library)
    for dtype in (np.float32, np.float16):
        cuda.buffer((2, 3, 8, 8), np.dtype(dtype))
    assert sorted(driver.live.values()) == [768, 768, 1536, 1536]
    cuda.close()
    cuda.close()
    assert (driver.live, driver.streams, driver.contexts) == ({}, set(), 0)


def test_full_memory_is_an_error_that_says_what_to_do_and_leaves_nothing_behind() -> None:
    driver = FakeDriver(memory=1000)
    cuda = Cuda(driver.library)
    with pytest.raises(SightlineError, match="OUT_OF_MEMORY") as caught:
        cuda.buffer((2, 3, 8, 8), np.dtype(np.float32))
    assert "--max-batch" in caught.value.fix
    cuda.close()
    assert (driver.live, driver.contexts) == ({}, 0)


def test_no_driver_no_gpu_and_no_gpu_of_that_number_are_errors_that_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "LIBRARY", "libcuda-is-not-here.so.1")
    with pytest.raises(SightlineError, match="cannot be loaded") as caught:
        Cuda()
    assert "--gpus all" in caught.value.fix
    assert "model.backend to onnx" in caught.value.fix
    with pytest.raises(SightlineError, match="the driver sees none"):
        Cuda(FakeDriver(devices=0).library)
    with pytest.raises(SightlineError, match="none with number 3"):
        Cuda(FakeDriver().library, device=3)
