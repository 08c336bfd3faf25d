"""Detectors trained on real pictures that `sightline models get` fetches from those who made them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sightline.vision.heads import Head


@dataclass(frozen=True)
class CatalogueModel:
    """A published detector.

    Attributes:
        name: What it is called here.
        address: Where its makers publish it.
        bytes: The file's size.
        sha256: The file's digest, hexadecimal.
        licence: Its SPDX identifier.
        head: Its output layout.
        labels: As in `Asked`.
        about: What it is, for people.
    """

    name: str
    address: str
    bytes: int
    sha256: str
    licence: str
    head: Head
    labels: str
    about: str

    @property
    def file(self) -> str:
        """The file's own name."""
        return self.address.rsplit("/", 1)[1]


_YOLOX: Final = "https://github.com/Megvii-BaseDetection/YOLOX/releases/download/0.1.1rc0/"

CATALOGUE: Final[Mapping[str, CatalogueModel]] = {
    name: CatalogueModel(name, _YOLOX + file, size, sha256, "Apache-2.0", Head.YOLOX, "coco", about)
    for name, file, size, sha256, about in (
        (
            "yolox-nano",
            "yolox_nano.onnx",
            3_659_407,
            "c789161ed43c8269fcd4e67c67eeeb4e80c622da2eb296a20bc6007bd18a0b7d",
            "YOLOX-Nano by Megvii, COCO's 80 classes, 416x416: the fastest",
        ),
        (
            "yolox-tiny",
            "yolox_tiny.onnx",
            20_219_662,
            "427cc366d34e27ff7a03e2899b5e3671425c262ea2291f88bb942bc1cc70b0f7",
            "YOLOX-Tiny by Megvii, COCO's 80 classes, 416x416",
        ),
        (
            "yolox-s",
            "yolox_s.onnx",
            35_858_002,
            "c5c2d13e59ae883e6af3b45daea64af4833a4951c92d116ec270d9ddbe998063",
            "YOLOX-S by Megvii, COCO's 80 classes, 640x640: finds the most",
        ),
    )
}
