"""What needs PyTorch: `pip install "sightline[training]"` runs these too."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="PyTorch (extra training) is not installed here")

from sightline.vision.heads import Head, InputSize, decode  # noqa: E402
from sightline.vision.onnx_backend import OnnxBackend  # noqa: E402
from triton_repo.training.appearance_loss import contrastive_loss, vary  # noqa: E402
from triton_repo.training.appearance_network import AppearanceNetwork  # noqa: E402
from triton_repo.training.appearance_recipe import write_appearance  # noqa: E402
from triton_repo.training.detector_loss import (  # noqa: E402
    LossWeights,
    Targets,
    assign,
    complete_iou,
    detector_loss,
    iou,
)
from triton_repo.training.detector_network import DetectorNetwork, anchors, corners  # noqa: E402
from triton_repo.training.detector_recipe import INPUT, write_detector  # noqa: E402


def targets(boxes: list[list[float]], there: list[bool]) -> Targets:
    marks = torch.tensor([there])
    return Targets(torch.tensor([boxes]), torch.zeros(1, len(boxes), dtype=torch.int64), marks, ~marks)


def near_truth(truth: Targets, points: object) -> tuple[object, object]:
    """Boxes that are all the first object's, and scores that are all equal."""
    count = len(points)  # type: ignore[arg-type]
    return truth.boxes[:, :1].expand(-1, count, -1).clone(), torch.full((1, count, 1), 0.5)


def test_the_exported_detector_says_what_the_network_says(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = DetectorNetwork(5).eval()
    write_detector(network, tmp_path)
    images = torch.rand(3, 3, INPUT.height, INPUT.width)
    with OnnxBackend(tmp_path / "model.onnx") as backend:
        output = backend.infer(images.numpy())[0]
    with torch.no_grad():
        distances, logits = network(images)
    boxes = corners(distances, *anchors(INPUT.height, INPUT.width))
    size = InputSize(INPUT.width, INPUT.height)
    for row in range(3):
        found = decode(Head.YOLOV8, output[row], size, 5, 0.0)
        assert np.allclose(found.boxes, boxes[row].numpy(), atol=1e-2)
        assert np.allclose(found.scores, logits[row].sigmoid().max(0).values.numpy(), atol=1e-4)


def test_the_exported_appearance_network_gives_unit_embeddings_and_probabilities(tmp_path: Path) -> None:
    torch.manual_seed(0)
    write_appearance(AppearanceNetwork(128, 12).eval(), tmp_path)
    with OnnxBackend(tmp_path / "model.onnx") as backend:
        embeddings, probabilities = backend.infer(np.random.default_rng(0).random((5, 3, 64, 64), np.float32))
    assert embeddings.shape == (5, 128)
    assert np.allclose(np.linalg.norm(embeddings, axis=1), 1, atol=1e-5)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_anchors_of_an_object_lie_in_it_and_the_best_is_to_score_its_overlap() -> None:
    points, strides = anchors(INPUT.height, INPUT.width)
    truth = targets([[100.0, 60.0, 180.0, 120.0]], [True])
    boxes, scores = near_truth(truth, points)
    chosen = assign(boxes, scores, truth, points, strides, LossWeights())
    taken = points[chosen.weights[0] > 0]
    assert len(taken) == LossWeights().candidates
    assert ((taken > torch.tensor([100.0, 60.0])) & (taken < torch.tensor([180.0, 120.0]))).all()
    assert chosen.weights.max() == pytest.approx(1.0, abs=1e-4)
    assert chosen.counted.all()


def test_where_an_ignored_object_is_nothing_is_learnt() -> None:
    points, strides = anchors(INPUT.height, INPUT.width)
    truth = targets([[100.0, 60.0, 180.0, 120.0]], [False])
    boxes, scores = near_truth(truth, points)
    chosen = assign(boxes, scores, truth, points, strides, LossWeights())
    assert not chosen.weights.any()
    inside = ((points > torch.tensor([100.0, 60.0])) & (points < torch.tensor([180.0, 120.0]))).all(1)
    assert not chosen.counted[0][inside].any()
    assert chosen.counted[0].float().mean() > 0.8


def test_a_picture_without_objects_has_a_finite_loss() -> None:
    network = DetectorNetwork(1)
    points, strides = anchors(64, 64)
    distances, logits = network(torch.rand(2, 3, 64, 64))
    nothing = torch.zeros(2, 1, dtype=torch.bool)
    empty = Targets(torch.zeros(2, 1, 4), torch.zeros(2, 1, dtype=torch.int64), nothing, nothing)
    box_loss, class_loss = detector_loss(distances, logits, empty, points, strides, LossWeights())
    assert box_loss.item() == 0
    assert torch.isfinite(class_loss)
    (box_loss + class_loss).backward()


def test_overlaps_are_known_and_complete_iou_punishes_distance() -> None:
    box = torch.tensor([[0.0, 0.0, 10.0, 10.0]])
    half = torch.tensor([[0.0, 0.0, 10.0, 5.0]])
    assert iou(box, half).item() == pytest.approx(0.5, abs=1e-5)
    assert complete_iou(box, box).item() == pytest.approx(1.0, abs=1e-5)
    far, further = (torch.tensor([[x, 0.0, x + 10, 10.0]]) for x in (20.0, 40.0))
    assert 0 > complete_iou(box, far).item() > complete_iou(box, further).item()


def test_the_contrastive_loss_prefers_views_together() -> None:
    ids = torch.tensor([1, 1, 2, 2])
    together = torch.eye(2)[[0, 0, 1, 1]]
    apart = torch.eye(2)[[0, 1, 0, 1]]
    assert contrastive_loss(together, ids) < 0.01 < contrastive_loss(apart, ids)
    assert contrastive_loss(torch.eye(2), torch.tensor([1, 2])).item() == 0, "nobody has a partner"


def test_varied_crops_stay_pictures_and_follow_the_dice() -> None:
    crops = torch.rand(8, 3, 64, 64)
    first, second = (vary(crops, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, second)
    assert first.shape == crops.shape
    assert first.min() >= 0
    assert first.max() <= 1
