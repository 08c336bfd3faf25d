"""An appearance network that is converted: it sees single objects, and is measured by telling them apart."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sightline.errors import SightlineError
from sightline.vision.appearance import find_appearance
from sightline.vision.backend import Backend, Signature
from sightline.vision.crops import Image, cut, to_input
from sightline.vision.detector import Detected
from sightline.vision.engines import Accuracy, Measure
from sightline.vision.recognizer import Appearance
from triton_repo.conversion import Kind
from triton_repo.evaluation.appearance import Looks, attribute_accuracy, reid_pairs
from triton_repo.gate import check_original
from triton_repo.model_folder import Contents, appearance_contents
from triton_repo.views import ObjectViews, Views, views_for

REID_CHANCE: Final = 0.5
"""How often the same object is the nearer one of two for a network that does not look."""


class AppearanceConversion:
    """The `Conversion` of an appearance network."""

    kind: Kind = "appearance"

    def __init__(self, path: Path, pictures: Path | None) -> None:
        """Find the network.

        Args:
            path: As `find_appearance` takes.
            pictures: A folder as `folder_views` takes; None for the synthetic cameras' objects.

        Raises:
            SightlineError: As `find_appearance`.
        """
        self.onnx, self._spec = find_appearance(path)
        self._folder = pictures

    @property
    def signature(self) -> Signature:
        """See `Conversion.signature`."""
        return self._spec.signature

    def calibration(self) -> Iterator[NDArray[Any]]:
        """See `Conversion.calibration`; one object a batch, which any network takes."""
        crop = np.empty((1, self._spec.height, self._spec.width, 3), np.uint8)
        for image in self._views.calibration:
            cut(image, _whole(image)[0], crop[0])
            batch = np.empty((1, *self.signature.input_shape), np.float32)
            to_input(crop, self._spec, batch)
            yield batch

    def compare(self, original: Backend, converted: Backend) -> Accuracy:
        """See `Conversion.compare`; the measures are `attribute_accuracy` and `reid_pairs`."""
        views = self._views.measured
        before, after = (look(Appearance(self._spec, backend), views) for backend in (original, converted))
        return compare(before, after)

    def contents(self, name: str, data: bytes) -> Contents:
        """See `Conversion.contents`."""
        return appearance_contents(name, data, self._spec)

    @cached_property
    def _views(self) -> ObjectViews:
        return views_for(self._spec.attributes, self._folder)


def look(network: Appearance, views: Views) -> Looks:
    """What a network says of each view, run as it is in use."""
    ones, zeros = np.ones(1, np.float32), np.zeros(1, np.uint16)
    found = [Detected(_whole(image), ones, zeros) for image in views.images]
    described = network.describe(views.images, found)
    return Looks(
        np.concatenate([np.asarray(one.embeddings) for one in described]),
        np.concatenate([np.asarray(one.probabilities) for one in described]),
        views.attributes,
        views.ids,
        views.scenes,
        np.arange(len(views.images), dtype=np.int64),
    )


def compare(before: Looks, after: Looks) -> Accuracy:
    """Compare what two networks say of the same views, with who the objects are.

    Args:
        before: What the original says.
        after: What the converted network says.

    Raises:
        SightlineError: The views show nothing to tell apart, or the original cannot tell it apart.
    """
    right = [attribute_accuracy(looks) for looks in (before, after)]
    nearer = [reid_pairs(looks).share for looks in (before, after)]
    measures = (
        _measure("attribute_accuracy", right, _most_common_share(before.attributes)),
        _measure("reid_pairs", nearer, REID_CHANCE),
    )
    return Accuracy(measures, len(before.attributes), "labels")


def _measure(name: str, shares: Sequence[float | None], chance: float) -> Measure:
    original, converted = shares
    if original is None or converted is None:
        raise SightlineError(
            "No two objects of one attribute are seen twice each, so re-identification cannot be measured.",
            "Give a folder with several objects of an attribute and several pictures of each object.",
        )
    return check_original(Measure(name, original, converted, chance))


def _most_common_share(attributes: NDArray[np.int64]) -> float:
    """What a network has right that always gives the most common attribute."""
    return float(np.bincount(attributes).max() / len(attributes)) if len(attributes) else 0.0


def _whole(image: Image) -> NDArray[np.float32]:
    """The box around all of an image."""
    return np.array([[0, 0, image.shape[1], image.shape[0]]], np.float32)
