"""Every number that the tracker can be tuned by, with its unit."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from processors.track.scalars import scalar
from processors.track.state import Floats
from sightline.errors import SightlineError


@dataclass(frozen=True, kw_only=True)
class TrackerConfig:
    """How a stream is tracked. The defaults suit people and vehicles from 5 to 60 frames/s.

    "Sizes" are an object's own size, `sqrt(width * height)` of its box, so that nothing depends on the
    resolution; times are seconds, so that nothing depends on the frame rate.

    Attributes:
        max_tracks: Most tracks held for a stream; the longest unseen make room for new ones.
        max_detections: Most detections of a frame that are looked at, best scores first.
        max_embedding: Wider appearance vectors are folded to this width.
        max_age_s: A track that is not seen for this long ends, or can come back by its look only.
        max_look_age_s: A track with a look ends when it is not seen for this long, at the latest.
        look_age_growth: For each second that it is seen, a track with a look is waited for this much longer.
        tentative_age_s: An unconfirmed track that is not seen for this long ends.
        weak_score: A detection of a lower score continues confirmed tracks that no better one continues.
        least_score: A detection of a lower score continues nothing.
        weak_iou: It must overlap the prediction this much.
        birth_score: A detection of a lower score starts no track.
        sure_score: A detection of this score confirms a new track at once, if such scores are to be trusted.
        confirm_score: Sum of its detections' scores, as far as they are trusted, that confirms a track.
        distrust_rate: Scores of which so few are detected again, compared with the best, are hardly trusted.
        trust_rate: Scores of which so many are, are fully trusted.
        double_iou: A detection that overlaps a taken one of its class this much starts no track.
        double_iou_across: The same for one of another class.
        coast_probability: An unseen track is put out while it will be seen again at least this probably.
        position_noise: Standard deviation of a detected centre, in sizes.
        size_noise: Standard deviation of a detected width or height, in sizes.
        position_walk: White noise on the centre itself, in sizes per sqrt(second).
        size_walk: The same for width and height.
        position_drift: White noise on the speed, in sizes per second per sqrt(second).
        size_drift: The same for width and height.
        initial_speed: Standard deviation of a new object's speed, in sizes per second.
        initial_growth: Standard deviation of the rate of a new object's width or height.
        min_iou: Predicted and detected boxes that overlap less do not belong together.
        near_speed: Objects that overlap no expected box moved by this at most, in sizes per second.
        distance_weight: Weight of the Mahalanobis distance against the overlap.
        distance_scale: Squared distance at which that half is worth one half.
        class_weight: Share of a claim that is lost when the detector's class differs.
        look_weight: Weight of appearance in a claim, when looks tell objects apart well.
        reach: How far from its last place a track may come back by its look: sizes, and sizes per second;
            besides how far it got at its own speed.
        return_margin: How clearly a look must be the track's own to come back by it, from 0 (not) to 1.
        decide_evidence: A label is announced when there is this much evidence for it.
        change_ratio: A label gives way to one of this many times its evidence.
        evidence_limit: No more evidence than this counts for a label, so that it can change late too.
    """

    max_tracks: int = 512
    max_detections: int = 512
    max_embedding: int = 256
    max_age_s: float = 1.5
    max_look_age_s: float = 10.0
    look_age_growth: float = 2.0
    tentative_age_s: float = 0.1
    weak_score: float = 0.5
    weak_iou: float = 0.6
    least_score: float = 0.1
    birth_score: float = 0.65
    sure_score: float = 0.8
    confirm_score: float = 1.3
    distrust_rate: float = 0.7
    trust_rate: float = 0.95
    double_iou: float = 0.5
    double_iou_across: float = 0.65
    coast_probability: float = 0.7
    position_noise: float = 0.06
    size_noise: float = 0.08
    position_walk: float = 0.3
    size_walk: float = 0.3
    position_drift: float = 0.8
    size_drift: float = 0.1
    initial_speed: float = 1.2
    initial_growth: float = 0.05
    min_iou: float = 0.15
    distance_weight: float = 0.5
    near_speed: float = 4.0
    distance_scale: float = 8.0
    class_weight: float = 0.3
    look_weight: float = 5.0
    reach: tuple[float, float] = (1.0, 1.0)
    return_margin: float = 0.55
    decide_evidence: float = 2.0
    change_ratio: float = 1.5
    evidence_limit: float = 30.0

    def __post_init__(self) -> None:
        limits = {"max_tracks": 2048, "max_detections": 4096, "max_embedding": 2048}
        for name, high in limits.items():
            if not 1 <= getattr(self, name) <= high:
                raise SightlineError(
                    f"Tracker setting {name} is {getattr(self, name)}.", f"Choose 1 to {high}."
                )

    @cached_property
    def scalars(self) -> "Scalars":
        """The settings that meet arrays in every step."""
        return Scalars(
            min_iou=scalar(self.min_iou),
            distance_scale=scalar(self.distance_scale),
            distance_gain=scalar(self.distance_weight * self.distance_scale),
            evidence_limit=scalar(self.evidence_limit),
            weak_score=scalar(self.weak_score),
            weak_iou=scalar(self.weak_iou),
            least_score=scalar(self.least_score),
            birth_score=scalar(self.birth_score),
            sure_score=scalar(self.sure_score),
            confirm_score=scalar(self.confirm_score),
        )

    @cached_property
    def noise(self) -> Floats:
        """(2, 1) variances of a detected centre and of a detected side, in squared sizes."""
        return np.array([[self.position_noise**2], [self.size_noise**2]])

    def drift_after(self, dt_s: float) -> Floats:
        """(6, 1) what white noise on the speeds adds to VAR, COV and SPEED_VAR in `dt_s` seconds."""
        centre, side = self.position_drift**2 * dt_s, self.size_drift**2 * dt_s
        first, second = dt_s * dt_s / 3, dt_s / 2
        walk, size_walk = self.position_walk**2 * dt_s, self.size_walk**2 * dt_s
        added = (
            centre * first + walk,
            side * first + size_walk,
            centre * second,
            side * second,
            centre,
            side,
        )
        return np.array(added)[:, None]

    @cached_property
    def initial(self) -> Floats:
        """(2, 1) variances of a new object's speed and growth, in squared sizes."""
        return np.array([[self.initial_speed**2], [self.initial_growth**2]])


@dataclass(frozen=True, eq=False, slots=True)
class Scalars:
    """Settings of `TrackerConfig` as arrays without dimensions, see `scalars`."""

    min_iou: Floats
    distance_scale: Floats
    distance_gain: Floats
    evidence_limit: Floats
    weak_score: Floats
    weak_iou: Floats
    least_score: Floats
    birth_score: Floats
    sure_score: Floats
    confirm_score: Floats


DEFAULT_CONFIG = TrackerConfig()
