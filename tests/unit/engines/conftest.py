import sys

import pytest

from sightline.vision import cuda
from tests.unit.engines.fake_cuda import FakeDriver
from tests.unit.engines.fake_tensorrt import FakeTensorRt


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeTensorRt:
    """TensorRT and a GPU, for what looks for them itself."""
    driver = FakeDriver()
    library = FakeTensorRt("10.3.0", driver)
    monkeypatch.setitem(sys.modules, "tensorrt", library)
    monkeypatch.setattr(cuda, "_load", lambda: driver.library)
    return library
