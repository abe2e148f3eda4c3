"""The fastest public recipe for 99 % in one epoch, written anew in PyTorch from its description.

Two convolutions (24 of 5×5, 32 of 3×3) with pooling, 256 hidden units; Adam 0.01 with betas 0.7 and 0.9; one-cycle;
batch 256; one epoch in a fixed order; standardised images, prepared outside the clock as its author does.

References
----------
T. Mehdi, train_mnist_fast (github.com/tuomaso/train_mnist_fast), 0.76 s on a laptop GPU.
"""

from __future__ import annotations

import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from benchmarks.peers.result import Result
from digitwise.images import Dataset

BATCH = 256


def network() -> nn.Module:
    """215,194 parameters, PyTorch's initial weights."""
    return nn.Sequential(
        nn.Conv2d(1, 24, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(24, 32, 3),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(800, 256),
        nn.ReLU(),
        nn.Linear(256, 10),
    )


def train(dataset: Dataset, seed: int, *, bfloat16: bool = False, device: str = "cpu") -> Result:
    """One epoch over all training images.

    Parameters
    ----------
    dataset : Dataset
    seed : int
        Of the weights and of the order.
    bfloat16 : bool
        Compute in bfloat16 with channels last, instead of plain float32.
    device : str
        PyTorch's name of it. The images are there before the clock starts.
    """
    torch.manual_seed(seed)
    kind = torch.device(device).type
    layout = torch.channels_last if bfloat16 else torch.contiguous_format
    order = np.random.default_rng(seed).permutation(len(dataset.train))
    images = [_standardised(s.images).to(device, memory_format=layout) for s in (dataset.train, dataset.test)]
    shown, labels = images[0][order], torch.from_numpy(dataset.train.labels[order]).to(device)

    started = time.perf_counter()
    model = network().to(device, memory_format=layout)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, betas=(0.7, 0.9))
    steps = -(-len(shown) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.01, total_steps=steps, cycle_momentum=False)
    for start in range(0, len(shown), BATCH):
        batch, wanted = shown[start : start + BATCH], labels[start : start + BATCH]
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(kind, torch.bfloat16, enabled=bfloat16):
            logits = model(batch)
        functional.cross_entropy(logits.float(), wanted).backward()
        optimizer.step()
        schedule.step()
    if kind == "cuda":
        torch.cuda.synchronize()
    fitted = time.perf_counter()

    with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=bfloat16):
        answers = torch.cat([model(part).argmax(1) for part in images[1].split(2000)])
    wrong = int((answers.cpu().numpy() != dataset.test.labels).sum())
    took, precision = time.perf_counter() - fitted, "bfloat16" if bfloat16 else "float32"
    return Result(errors=wrong, fit_seconds=fitted - started, evaluate_seconds=took, precision=precision)


def _standardised(images: np.ndarray) -> torch.Tensor:
    """Uint8 (n, 28, 28) to float32 (n, 1, 28, 28) with the mean and spread of MNIST's pixels taken out."""
    return ((torch.from_numpy(images).float() / 255 - 0.1307) / 0.3081)[:, None]
