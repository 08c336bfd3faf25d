"""One run of a pipeline from start to end, as `sightline demo` and `sightline run` do it."""

import json
import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from sightline.errors import SightlineError
from sightline.named_models import named_appearance, named_detector
from sightline.pipeline.cameras import Camera
from sightline.pipeline.model_warnings import findings_warnings, shipped_detector_warning
from sightline.pipeline.models import write_serving
from sightline.pipeline.monitor import Monitor
from sightline.pipeline.pipeline import POLL_S, Pipeline
from sightline.pipeline.report import Report, read_report, stream_problems
from sightline.pipeline.summary import print_summary, print_warning
from sightline.pipeline.truth import compare, ready_scorer
from sightline.redaction import shown
from sightline.settings import Settings
from sightline.stack.cache import cache_folder
from sightline.stack.datadir import DataDir
from sightline.stack.signals import Patience, interrupted_by_signals
from sightline.stream_names import check_source, is_synthetic


@dataclass(frozen=True)
class RunPlan:
    """What to run.

    Attributes:
        cameras: The sources.
        seconds: Stop the cameras after this long; None lets them run to their end.
        report: Write the report to this file, as JSON.
        title: What is being done, for people.
    """

    cameras: Sequence[Camera]
    seconds: float | None
    report: Path | None
    title: str


def prepare(settings: Settings, data: DataDir, cameras: Sequence[Camera], *, infers: bool) -> Path | None:
    """Check the sources and the models that Triton is to serve, before anything is started.

    Args:
        settings: Of the whole system.
        data: The data folder.
        cameras: The sources.
        infers: Whether Triton is needed.

    Returns:
        The repository for a Triton of our own; None if there is none.

    Raises:
        SightlineError: A file is not there, or the model does not fit.
    """
    for camera in cameras:
        check_source(camera.source)
        check_file(camera.source)
    named_appearance(settings.model)
    if not infers or settings.triton.url is not None:
        return None
    return write_serving(settings, data.path)


def warn_of_model(settings: Settings, cameras: Sequence[Camera], console: Console) -> list[str]:
    """Check the detector and print at once what seems odd about it, before anything is started.

    Raises:
        SightlineError: It is missing or does not fit its head.
    """
    warnings: list[str] = []
    named_detector(settings.model, warnings.append)
    if unsuited := shipped_detector_warning(settings, cameras):
        warnings.append(unsuited)
    for warning in warnings:
        print_warning(console, warning)
    return warnings


def check_file(source: str) -> None:
    """Refuse a file that is not there; whether it is a video is found out by the gateway."""
    if "://" in source or is_synthetic(source):
        return
    path, name = Path(source), shown(source)
    if not path.exists():
        raise SightlineError(f"There is no file {name}.", "Check the path.")
    if not path.is_file():
        raise SightlineError(f"{name} is not a file.", "Give video files, or addresses such as rtsp://…")
    if path.stat().st_size == 0:
        raise SightlineError(f"{name} is empty.", "Copy the video again.")


def execute(settings: Settings, data: DataDir, plan: RunPlan, console: Console) -> Report:
    """Run cameras through a pipeline of their own until they end, and say what came of it.

    Ctrl-C or SIGTERM stops everything in good order, at any time.

    Raises:
        SightlineError: Something cannot be started, or keeps crashing.
        KeyboardInterrupt: The user stopped it; everything is stopped.
    """
    started_s = time.monotonic()
    if plan.report is not None:
        check_report(plan.report)
    say = speaker(console)
    with interrupted_by_signals():
        infers = any(camera.mode == "frames" for camera in plan.cameras)
        repository = prepare(settings, data, plan.cameras, infers=infers)
        warnings = warn_of_model(settings, plan.cameras, console)
        cache = settings.cache.dir or cache_folder(os.environ, Path.home())
        scorer = ready_scorer(cache, say) if settings.gateway.truth else None
        pipeline = Pipeline(settings, data, repository, say)
        try:
            pipeline.start()
            since_ns = time.time_ns()
            pipeline.start_cameras(plan.cameras)
            complete = _watch(pipeline, plan, console, since_ns)
            report = _report(pipeline, plan, since_ns, started_s, complete=complete)
            warnings += findings_warnings(pipeline.query, report.accounts, since_ns)
            report = replace(report, warnings=warnings)
            if scorer is not None:
                report = replace(report, truth=compare(pipeline.query, since_ns, scorer))
            print_summary(console, report, pipeline.query)
            if plan.report is not None:
                write_report(report, plan.report)
        finally:
            with Patience() as patience:
                say("Stopping")
                pipeline.stop(hurry=patience.is_over)
    return report


def check_report(path: Path) -> None:
    """Refuse, before anything is started, a file that the report cannot be written to."""
    target = path if path.exists() else path.absolute().parent
    if path.is_dir() or not target.exists() or not os.access(target, os.W_OK):
        reason = "it is a folder" if path.is_dir() else "its folder is not there, or may not be written to"
        raise SightlineError(f"The report {path} cannot be written: {reason}.", "Check the path.")


def write_report(report: Report, path: Path) -> None:
    """Write the report as JSON; raises SightlineError if the file cannot be written."""
    try:
        path.write_text(json.dumps(report.as_json(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise SightlineError(
            f"The report {path} cannot be written: {error.strerror}.", "Check the path."
        ) from error


def _watch(pipeline: Pipeline, plan: RunPlan, console: Console, since_ns: int) -> bool:
    """Show the flow until the cameras are done and all is written; False if frames got stuck."""
    with Monitor(pipeline, console, since_ns, plan.title) as monitor:
        until_s = time.monotonic() + plan.seconds if plan.seconds is not None else float("inf")
        while pipeline.cameras_running() and time.monotonic() < until_s:
            pipeline.poll()
            monitor.tick()
            time.sleep(POLL_S)
        pipeline.stop_cameras()
        monitor.title = "Writing what is under way"
        return pipeline.drain(since_ns, monitor.tick)


def _report(pipeline: Pipeline, plan: RunPlan, since_ns: int, started_s: float, *, complete: bool) -> Report:
    accounts = pipeline.accounts(since_ns)
    reported = {account.stream_id for account in accounts}
    problems = [
        f"{camera.stream_id}: nothing was captured from {shown(camera.source)}."
        for camera in plan.cameras
        if camera.stream_id not in reported
    ]
    problems += stream_problems(accounts)
    if not complete and not problems:
        problems.append("Frames got stuck on their way; the logs in the data folder say where.")
    report = read_report(pipeline.query, accounts, since_ns, time.monotonic() - started_s, problems)
    return replace(report, peak_rss_mib=pipeline.peak_rss_mib)


def speaker(console: Console) -> Callable[[str], None]:
    """What tells people about slow steps; a terminal that is gone must not keep a stack from stopping."""

    def say(sentence: str) -> None:
        with suppress(OSError):
            console.print(f"[dim]{sentence.replace('[', chr(92) + '[')}[/]", soft_wrap=True, highlight=False)

    return say
