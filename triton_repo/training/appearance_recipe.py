"""Train the appearance network that ships."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from sightline.vision.appearance import save_appearance_spec
from sightline.vision.model import MODEL_FILE
from triton_repo.evaluation.appearance import Looks, attribute_accuracy, reid_pairs
from triton_repo.training.appearance_loss import attribute_loss, contrastive_loss, vary
from triton_repo.training.appearance_network import AppearanceNetwork, AppearanceOutput
from triton_repo.training.crops import SPEC, Crops, cut_crops
from triton_repo.training.dataset import Dataset
from triton_repo.training.export import export_onnx
from triton_repo.training.identity_batches import IdentityPlan, identity_batches, look_alikes
from triton_repo.training.optimisation import Optimisation, Schedule
from triton_repo.training.progress import Progress


@dataclass(frozen=True)
class AppearanceRecipe:
    """How the appearance network is trained.

    Attributes:
        seed: Of weights, jitter and batches.
        plan: What a batch is.
        schedule: How many batches there are, and how fast the weights move.
        attribute_weight: Of the attributes' loss; that of the embeddings is 1.
        bf16: Multiply in bfloat16, faster on processors that can.
        check_every: Steps between looks at the validation pictures.
    """

    seed: int = 1
    plan: IdentityPlan = field(default_factory=IdentityPlan)
    schedule: Schedule = field(default_factory=lambda: Schedule(steps=1_800, peak_rate=3e-3))
    attribute_weight: float = 1.0
    bf16: bool = False
    check_every: int = 500


def train_appearance(
    dataset: Dataset, validation: Dataset, folder: Path, recipe: AppearanceRecipe, device: str
) -> str:
    """Train an appearance network and write it to a folder.

    Args:
        dataset: What to learn from.
        validation: What to look at now and then.
        folder: Gets `model.onnx` and `appearance.json`.
        recipe: How.
        device: PyTorch's name of where, such as cpu or cuda.

    Returns:
        The SHA-256 of `model.onnx`.
    """
    torch.manual_seed(recipe.seed)
    steps = recipe.schedule.steps
    crops, unseen = cut_crops(dataset, recipe.seed), cut_crops(validation, recipe.seed)
    network = AppearanceNetwork(SPEC.embedding_width, len(SPEC.attributes), SPEC.height)
    network = network.to(device, memory_format=torch.channels_last).train()
    optimisation = Optimisation(network, recipe.schedule)
    dice = torch.Generator().manual_seed(recipe.seed)
    progress = Progress(steps)
    progress.say(f"{len(crops.ids)} crops of {len(np.unique(crops.ids))} objects")
    digest = ""
    for step, rows in zip(range(steps), _rows(crops, recipe), strict=False):
        images = vary(to_tensor(crops.images[rows], device), dice)
        with torch.autocast(device, torch.bfloat16, enabled=recipe.bf16):
            embeddings, logits = network(images.contiguous(memory_format=torch.channels_last))
        who, what = (torch.from_numpy(part[rows]).to(device) for part in (crops.ids, crops.attributes))
        parts = contrastive_loss(embeddings.float(), who), attribute_loss(logits.float(), what)
        optimisation.step(parts[0] + recipe.attribute_weight * parts[1])
        progress.step(step, {"contrastive": parts[0].item(), "attributes": parts[1].item()})
        last = step + 1 == steps
        if last or (step + 1) % recipe.check_every == 0:
            digest = write_appearance(optimisation.mean, folder)
            looks = look(optimisation.mean, unseen, device)
            progress.say(
                f"validation: attributes {attribute_accuracy(looks) or 0:.4f}, "
                f"pairs {reid_pairs(looks).share or 0:.4f}"
            )
    return digest


def _rows(crops: Crops, recipe: AppearanceRecipe) -> Iterator[Any]:
    rng = np.random.Generator(np.random.PCG64([recipe.seed, 0x1DE47]))
    return identity_batches(look_alikes(crops, len(SPEC.attributes)), recipe.plan, rng)


def to_tensor(images: Any, device: str) -> Any:
    """Crops, uint8 (B, H, W, 3) in BGR, as the network takes them: float (B, 3, H, W), RGB, 0..1."""
    pixels = torch.from_numpy(np.ascontiguousarray(images[..., ::-1])).to(device)
    return pixels.permute(0, 3, 1, 2).float() / 255


@torch.no_grad()
def look(network: Any, crops: Crops, device: str) -> Looks:
    """Run a network in evaluation mode over crops. Each crop counts as a picture of its own."""
    embeddings, probabilities = [], []
    for start in range(0, len(crops.ids), 512):
        some, logits = network(to_tensor(crops.images[start : start + 512], device))
        embeddings.append(some.float().cpu().numpy())
        probabilities.append(torch.softmax(logits, 1).float().cpu().numpy())
    pictures = np.arange(len(crops.ids))
    return Looks(
        np.concatenate(embeddings),
        np.concatenate(probabilities),
        crops.attributes,
        crops.ids,
        crops.scenes,
        pictures,
    )


def write_appearance(network: Any, folder: Path) -> str:
    """Write `model.onnx` and `appearance.json`; returns the former's SHA-256."""
    example = torch.zeros(2, 3, SPEC.height, SPEC.width)
    outputs = (SPEC.embedding_name, SPEC.probabilities_name)
    metadata = {"attributes": ",".join(SPEC.attributes)}
    digest = export_onnx(
        AppearanceOutput(network).eval(), example, folder / MODEL_FILE, SPEC.input_name, outputs, metadata
    )
    save_appearance_spec(SPEC, folder)
    return digest
