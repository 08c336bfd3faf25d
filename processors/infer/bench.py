"""Frames/s through Triton's analyzer against the same work in a plain loop, in one run."""

import asyncio
import itertools
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psutil

from processors.infer.client import AnalyzerClient
from sightline.errors import SightlineError
from sightline.pipeline.models import serving_of
from sightline.settings import Settings
from sightline.stack.cache import Progress
from sightline.stack.triton import LocalTriton, TritonOptions
from sightline.vision.repository import Serving, models_in, write_repository
from sightline.vision.serving import Served, open_served

TIMEOUT_S: Final = 60.0


@dataclass(frozen=True)
class AnalyzerBench:
    """What to measure.

    Attributes:
        batches: Frames of a request, and of a round of the loop.
        clients: Requests in flight.
        seconds: Length of each measurement.
    """

    batches: Sequence[int] = (1, 2, 4, 8, 16, 32)
    clients: Sequence[int] = (1, 2, 4, 8, 16)
    seconds: float = 2.0


@dataclass(frozen=True)
class Rate:
    """How fast something is.

    Attributes:
        frames_per_s: Frames per second.
        cpu_ms: Processor time of a frame by who spent it, milliseconds; it says what other load cannot hide.
    """

    frames_per_s: float
    cpu_ms: Mapping[str, float]

    def told(self) -> dict[str, Any]:
        """For JSON, rounded."""
        cpu_ms = {name: round(spent, 2) for name, spent in self.cpu_ms.items()}
        return {"frames_per_s": round(self.frames_per_s, 1), "cpu_ms_per_frame": cpu_ms}


def bench_analyzer(
    settings: Settings, jpegs: Sequence[bytes], bench: AnalyzerBench, progress: Progress
) -> dict[str, Any]:
    """Measure the loop, all combinations through Triton, and the loop again.

    The loop decodes, detects and looks with the same code, networks and threads in this process, and sends
    nothing. What other load took from one of its runs does not count: the ratio is to its best run.

    Args:
        settings: The sections model, triton and cache are used.
        jpegs: The frames, taken in turn.
        bench: What to measure.
        progress: Told about slow steps.

    Returns:
        `loop` (frames/s by batch), `triton` (frames/s by batch and clients), the best of both and their
        `ratio`; and `cpu_ratio`, the loop's least processor time of a frame over that of Triton and its
        client at its best, which holds also on a machine that others keep busy.
    """
    if not jpegs:
        raise SightlineError("There are no frames to measure with.", "Give a video with some.")
    with tempfile.TemporaryDirectory(prefix="sightline-bench-") as name:
        folder = Path(name)
        serving = serving_of(settings)
        repository = write_repository(folder / "triton", serving)
        options = TritonOptions(cache=settings.cache.dir, maven_url=settings.cache.maven_url)
        before = _loop(serving, jpegs, bench)
        triton = LocalTriton(repository, models_in(repository), folder / "triton.log", options, progress)
        with triton:
            cells = asyncio.run(_through_triton(triton, settings, jpegs, bench, progress))
        after = _loop(serving, jpegs, bench)
    best = max(cells, key=lambda cell: float(cell["frames_per_s"]))
    loops = (*before.values(), *after.values())
    best_loop = max(rate.frames_per_s for rate in loops)
    loop_cpu_ms = min(sum(rate.cpu_ms.values()) for rate in loops)
    return {
        "networks": serving.networks,
        "instances": serving.instances,
        "parallel_runs": serving.options.parallel_runs,
        "decode_threads": serving.options.decode_threads,
        "appearance": serving.appearance is not None,
        "load_average": round(os.getloadavg()[0], 1),
        "loop": [
            {"batch": batch, "before": before[batch].told(), "after": after[batch].told()}
            for batch in bench.batches
        ],
        "triton": cells,
        "best_loop_frames_per_s": round(best_loop, 1),
        "best": best,
        "ratio": round(best["frames_per_s"] / best_loop, 3),
        "cpu_ratio": round(loop_cpu_ms / sum(best["cpu_ms_per_frame"].values()), 3),
    }


def _loop(serving: Serving, jpegs: Sequence[bytes], bench: AnalyzerBench) -> dict[int, Rate]:
    served = open_served(serving.detector, serving.spec, serving.appearance, serving.options)
    with ThreadPoolExecutor(served.decode_threads) as threads:
        rates = {batch: _loop_rate(served, threads, jpegs, batch, bench.seconds) for batch in bench.batches}
    served.close()
    return rates


def _loop_rate(
    served: Served, threads: ThreadPoolExecutor, jpegs: Sequence[bytes], batch: int, seconds: float
) -> Rate:
    frames, count = itertools.cycle(jpegs), 0
    served.answer(list(itertools.islice(frames, batch)), [batch], threads.map)
    started_s, cpu_s = time.perf_counter(), time.process_time()
    while time.perf_counter() - started_s < seconds:
        served.answer(list(itertools.islice(frames, batch)), [batch], threads.map)
        count += batch
    elapsed_s = time.perf_counter() - started_s
    return Rate(count / elapsed_s, {"loop": 1000 * (time.process_time() - cpu_s) / count})


async def _through_triton(
    triton: LocalTriton,
    settings: Settings,
    jpegs: Sequence[bytes],
    bench: AnalyzerBench,
    progress: Progress,
) -> list[dict[str, Any]]:
    cells = []
    async with AnalyzerClient(triton.grpc_url, settings.triton.model) as client:
        for batch in bench.batches:
            progress(f"Through Triton, {batch} frames a request")
            for clients in bench.clients:
                rate = await _Load(client, jpegs, batch, triton.pid).rate(clients, bench.seconds)
                cells.append({"batch": batch, "clients": clients, **rate.told()})
    return cells


class _Load:
    """Some clients that ask again as soon as they are answered."""

    def __init__(self, client: AnalyzerClient, jpegs: Sequence[bytes], batch: int, pid: int) -> None:
        self._client = client
        self._frames = itertools.cycle(jpegs)
        self._batch = batch
        self._pid = pid
        self._answers: list[float] = []

    async def rate(self, clients: int, seconds: float) -> Rate:
        """Measure from one answer to another, after each client has had one, for two more rounds at least."""
        tasks = [asyncio.create_task(self._ask(clients, seconds)) for _ in range(clients)]
        while len(self._answers) < clients and not any(task.done() for task in tasks):
            await asyncio.sleep(0.001)
        first, cpu_s = len(self._answers) - 1, _cpu_s(self._pid)
        await asyncio.gather(*tasks)
        frames = (len(self._answers) - 1 - first) * self._batch
        spent_ms = {name: 1000 * (after - cpu_s[name]) for name, after in _cpu_s(self._pid).items()}
        elapsed_s = self._answers[-1] - self._answers[first]
        return Rate(frames / elapsed_s, {name: spent / frames for name, spent in spent_ms.items()})

    async def _ask(self, clients: int, seconds: float) -> None:
        started_s = time.perf_counter()
        while time.perf_counter() - started_s < seconds or len(self._answers) < 3 * clients:
            request = list(itertools.islice(self._frames, self._batch))
            answers = await self._client.analyze(request, TIMEOUT_S)
            bad = next((answer.error for answer in answers if answer.error), None)
            if bad is not None:
                raise SightlineError(f"A frame cannot be analyzed: {bad}.", "Give another video.")
            self._answers.append(time.perf_counter())


def _cpu_s(server_pid: int) -> dict[str, float]:
    """Processor seconds so far of the server, of its models' processes, and of this process as the client."""
    server = psutil.Process(server_pid)
    models = [process.cpu_times() for process in server.children(recursive=True)]
    own = server.cpu_times()
    return {
        "server": own.user + own.system,
        "models": sum(each.user + each.system for each in models),
        "client": time.process_time(),
    }
