"""Every number that the tracker can be tuned by, with its unit."""

from dataclasses import dataclass

from sightline.errors import SightlineError


@dataclass(frozen=True, kw_only=True)
class TrackerConfig:
    """How a stream is tracked. The defaults suit people and vehicles from 1 to 60 frames/s.

    Lengths are shares of an object's size, `sqrt(width * height)` of its box, so that nothing depends on the
    resolution; times are seconds, so that nothing depends on the frame rate.

    Attributes:
        max_tracks: Most tracks held for a stream; the least credible ones go first.
        max_detections: Most detections of a frame that are looked at, best scores first.
        max_age_s: A track that is not seen for this long ends.
        tentative_age_s: An unconfirmed track that is not seen for this long ends.
        birth_score: A detection of a lower score starts no track.
        sure_score: A detection of this score confirms a new track at once.
        confirm_evidence: Sum of evidence that confirms a track; see `lifecycle`.
        coast_s: A confirmed track that is not seen is still put out for this long.
    """

    max_tracks: int = 512
    max_detections: int = 512
    max_age_s: float = 1.5
    tentative_age_s: float = 0.2
    birth_score: float = 0.35
    sure_score: float = 0.7
    confirm_evidence: float = 1.0
    coast_s: float = 0.3
    gate: float = 16.0
    position_noise: float = 0.04
    size_noise: float = 0.06
    position_drift: float = 0.8
    size_drift: float = 0.15
    initial_speed: float = 1.0
    initial_growth: float = 0.1
    label_slots: int = 4
    decide_evidence: float = 2.0
    change_ratio: float = 1.5

    def __post_init__(self) -> None:
        if not (1 <= self.max_tracks <= 2048 and 1 <= self.max_detections <= 4096):
            raise SightlineError(
                f"Tracker: max_tracks {self.max_tracks} or max_detections {self.max_detections} is bad.",
                "Choose 1 to 2048 tracks and 1 to 4096 detections.",
            )


DEFAULT_CONFIG = TrackerConfig()
