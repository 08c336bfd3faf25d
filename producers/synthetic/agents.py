"""Those who move through a scene."""

from dataclasses import dataclass, field

from producers.synthetic.layout import Leg, Route
from producers.synthetic.paths import Pose
from producers.synthetic.solids import Solid


@dataclass(slots=True)
class Agent:
    """One object on its way.

    Attributes:
        object_id: Never used again.
        attribute: Index into ATTRIBUTES.
        solid: Its body.
        route: Its way; `route_index` is the route's number.
        wish_m_s: The speed it would like.
        left_m: How far to the left of the path it is.
        party: Number of the group it belongs to.
        leg: Which part of the route it is on; `at_m` how far its middle has come on it.
        speed_m_s: Now.
        gone_m: Over all legs.
        wait_until_s: When a stop ends.
        before: Its pose at the tick before; `now` its pose.
    """

    object_id: int
    attribute: int
    solid: Solid
    route: Route
    route_index: int
    wish_m_s: float
    left_m: float
    party: int
    at_m: float
    speed_m_s: float
    leg: int = 0
    gone_m: float = 0.0
    wait_until_s: float = -1e9
    before: Pose = field(default=Pose(0.0, 0.0, 0.0))
    now: Pose = field(default=Pose(0.0, 0.0, 0.0))

    @property
    def half_m(self) -> float:
        """Half of its length."""
        return self.solid.size[0] / 2

    @property
    def here(self) -> Leg:
        """The leg it is on."""
        return self.route.legs[self.leg]

    def pose(self) -> Pose:
        """Where it is at `at_m`."""
        leg = self.here
        pose = leg.path.pose(self.at_m, self.left_m)
        angle = pose.heading_rad + (3.141592653589793 if leg.backwards else 0.0)
        return Pose(pose.x, pose.y, angle, self.gone_m, min(1.0, self.speed_m_s / 0.7))
