"""What people should know of the detector of a run: before it starts, and by what it found."""

from collections.abc import Sequence
from typing import Final

from sightline.named_models import is_shipped, shipped_detector_sentence
from sightline.pipeline.accounts import Query, StreamAccount
from sightline.pipeline.cameras import Camera
from sightline.settings import Settings
from sightline.stream_names import is_synthetic

ENOUGH_BOXES: Final = 20
_SAME_PX: Final = 1.0
_MOST_NAMES: Final = 5

SAME_BOX_SQL: Final = """
SELECT stream_id, count() AS boxes, uniqExact(epoch, seq) AS frames,
       round(min(x1)) AS left, round(min(y1)) AS top, round(max(x2)) AS right, round(max(y2)) AS bottom
FROM detections
WHERE (stream_id, epoch) IN (
    SELECT DISTINCT stream_id, epoch FROM frames WHERE stream_id IN {streams:Array(String)}
    AND captured_wall_at >= fromUnixTimestamp64Nano({since_ns:Int64}))
GROUP BY stream_id
HAVING boxes >= {enough:UInt32} AND greatest(max(x1) - min(x1), max(y1) - min(y1), max(x2) - min(x2),
                                             max(y2) - min(y2)) < {same_px:Float32}
ORDER BY stream_id"""


def shipped_detector_warning(settings: Settings, cameras: Sequence[Camera]) -> str | None:
    """A sentence if the shipped detector, which knows the simulated world alone, gets other pictures."""
    if not is_shipped(settings.model):
        return None
    unknown = [
        camera.stream_id
        for camera in cameras
        # What a Triton of the user's own serves is not known here.
        if not is_synthetic(camera.source) and (camera.mode == "detections" or settings.triton.url is None)
    ]
    return shipped_detector_sentence(listed(unknown)) if unknown else None


def findings_warnings(query: Query, accounts: Sequence[StreamAccount], since_ns: int) -> list[str]:
    """Sentences about streams in which the detector found nothing, or one box only, in a finished run."""
    warnings = []
    empty = [account for account in accounts if account.written and not account.detections]
    if empty:
        frames = sum(account.written for account in empty)
        warnings.append(
            f"The detector found nothing in the {frames} frames of "
            f"{listed([account.stream_id for account in empty])}. If there is something to find, its head, "
            "its labels or how pictures are fed to it may be another one: see docs/models.md."
        )
    streams = [account.stream_id for account in accounts if account.detections >= ENOUGH_BOXES]
    which = {"streams": streams, "since_ns": since_ns, "enough": ENOUGH_BOXES, "same_px": _SAME_PX}
    for row in query(SAME_BOX_SQL, which) if streams else ():
        box = ", ".join(f"{row[side]:.0f}" for side in ("left", "top", "right", "bottom"))
        warnings.append(
            f"All {row['boxes']} detections of {row['stream_id']}, in {row['frames']} frames, are the same "
            f"box ({box}): the detector's head may be another one, see docs/models.md."
        )
    return warnings


def listed(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
