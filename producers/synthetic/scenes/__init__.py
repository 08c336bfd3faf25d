"""The layouts of the scenes."""

from collections.abc import Callable, Mapping
from typing import Final

from producers.synthetic.kinds import SceneSettings
from producers.synthetic.layout import Layout
from producers.synthetic.lots import Lot
from producers.synthetic.scenes.dock import dock
from producers.synthetic.scenes.footpath import footpath
from producers.synthetic.scenes.junction import junction

LAYOUTS: Final[Mapping[str, Callable[[SceneSettings, Lot], Layout]]] = {
    "junction": junction,
    "footpath": footpath,
    "dock": dock,
}
