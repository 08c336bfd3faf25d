"""Servers for the integration tests: started once for all of them, gone after the last."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sightline.stack.kafka import LocalKafka
from sightline.stack.triton import LocalTriton
from tests.odd_names import ODD_NAME

MODELS = Path(__file__).parent / "stack" / "models"


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalKafka]:
    """A Kafka broker (`.bootstrap`), shared: make topics and groups with names of your own."""
    with LocalKafka(tmp_path_factory.mktemp("kafka") / ODD_NAME) as broker:
        yield broker


@pytest.fixture(scope="session")
def triton(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTriton]:
    """A Triton server (`.grpc_url`, `.http_url`) with one model, `echo`: JPEG in, SIZE and NUMPY out."""
    log_path = tmp_path_factory.mktemp("triton") / ODD_NAME / "triton.log"
    with LocalTriton(MODELS, ["echo"], log_path) as server:
        yield server
