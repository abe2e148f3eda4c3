"""One network on several devices or hosts: each batch is shared out, the weights are everywhere the same."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from digitwise.errors import RecipeError
from digitwise.training.backend import BACKEND, keras

HOSTS = "KERAS_DISTRIBUTION_JOB_ADDRESSES"  # Keras' own variables: addresses, number of processes, which one this is


def join_hosts() -> int:
    """Join the other hosts that Keras' environment variables name, before anything is computed.

    Returns
    -------
    int
        Which process this is, from 0; 0 where it is the only one. Every process trains the same, on its part of each
        batch; one of them is enough to write what comes of it.

    Raises
    ------
    RecipeError
        If the backend is not JAX, which is the one that Keras distributes with.
    """
    if BACKEND != "jax":
        raise RecipeError(f"--distribute: expected Keras on JAX, got {BACKEND}; set KERAS_BACKEND=jax")
    import jax

    if os.environ.get(HOSTS) and not jax.distributed.is_initialized():
        keras.distribution.initialize()
    return int(jax.process_index())


@contextmanager
def data_parallel(batch_size: int) -> Iterator[int]:
    """Have what is built and trained meanwhile use all devices of all hosts.

    Parameters
    ----------
    batch_size : int
        Images a step, over all devices.

    Yields
    ------
    int
        How many devices there are.

    Raises
    ------
    RecipeError
        If a batch cannot be dealt out evenly.
    """
    devices = keras.distribution.list_devices()
    if batch_size % len(devices):
        raise RecipeError(
            f"--distribute: expected a batch that {len(devices)} devices can share evenly, got {batch_size}; "
            f"give --batch-size {-(-batch_size // len(devices)) * len(devices)}"
        )
    with keras.distribution.DataParallel(devices=devices).scope():
        yield len(devices)


def mesh() -> Any:
    """The devices that the present distribution is over, as JAX has them; None where there is none."""
    present = keras.distribution.distribution()
    return None if present is None else present.device_mesh.backend_mesh
