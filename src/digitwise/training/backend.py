"""Keras on the backend that is installed, and what differs by backend: determinism, devices, batch normalisation.

The rest of ``training`` takes ``keras`` from here, so that the backend is chosen before Keras is first imported.
"""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from digitwise.errors import RecipeError
from digitwise.parts import BACKENDS, require
from digitwise.system import held_back
from digitwise.training.devices import settle

HOSTS = "KERAS_DISTRIBUTION_JOB_ADDRESSES"  # Keras' own variables: addresses, number of processes, number of this one
MOMENTUM = 0.9  # of the moving averages: short, since a training has a few thousand steps only


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
require("training", "keras", "tensorflow")
BACKEND = settle()

with held_back():  # TensorFlow prints a greeting while it loads
    import keras  # here, when the backend is chosen

# A process that trains many networks traces each of them, and TensorFlow would warn of one traced again and again.
logging.getLogger("tensorflow").addFilter(lambda record: "retracing" not in str(record.msg))

XLA_OPTIONS: dict[str, bool] = {}  # for compiling JAX's loop

__all__ = [
    "BACKEND",
    "BACKENDS",
    "HOSTS",
    "MOMENTUM",
    "XLA_OPTIONS",
    "FusedBatchNormalization",
    "batch_norm",
    "data_parallel",
    "join_hosts",
    "keras",
    "make_deterministic",
    "mesh",
    "on_accelerator",
    "set_seed",
]


def make_deterministic() -> None:
    """Make the same computation give the same bits from now on, in this process; slower on some devices."""
    if BACKEND == "tensorflow":
        import tensorflow

        tensorflow.config.experimental.enable_op_determinism()
    elif BACKEND == "torch":
        import torch

        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it CUDA's matrix products refuse
        torch.use_deterministic_algorithms(True)
    else:
        # On a GPU XLA adds in any order otherwise. As an option of each compilation it also holds where JAX has started
        # already, when XLA_FLAGS are no longer read; on a CPU it changes nothing.
        XLA_OPTIONS["xla_gpu_deterministic_ops"] = True


def set_seed(seed: int) -> None:
    """Seed Python and the backend: all that the networks of :data:`digitwise.models.MODELS` draw from.

    ``keras.utils.set_random_seed`` also imports TensorFlow where it is installed, whatever the backend, for seconds.
    """
    random.seed(seed)
    if BACKEND == "tensorflow":
        import tensorflow

        tensorflow.random.set_seed(seed)
    elif BACKEND == "torch":
        import torch

        torch.manual_seed(seed)


def on_accelerator() -> bool:
    """Whether the backend computes on a GPU or the like."""
    if BACKEND == "torch":
        import torch

        return bool(torch.cuda.is_available())
    return not keras.distribution.list_devices()[0].startswith("cpu")


def join_hosts() -> int:
    """Join the other hosts that Keras' environment variables name, before anything is computed.

    Returns
    -------
    int
        The number of this process, from 0; 0 where it is the only one. Every process computes its part of each batch;
        the first one writes the results.

    Raises
    ------
    RecipeError
        If the backend is not JAX, the only one that Keras distributes with.
    """
    if BACKEND != "jax":
        raise RecipeError(f"distribute: expected Keras on JAX, got {BACKEND}; set KERAS_BACKEND=jax")
    import jax

    if os.environ.get(HOSTS) and not jax.distributed.is_initialized():
        keras.distribution.initialize()
    return int(jax.process_index())


@contextmanager
def data_parallel(batch_size: int) -> Iterator[int]:
    """Train on all devices of all hosts: each batch is split between them, and each has all weights.

    Parameters
    ----------
    batch_size : int
        Images a step, over all devices.

    Yields
    ------
    int
        The number of devices.

    Raises
    ------
    RecipeError
        If a batch cannot be split evenly.
    """
    devices = keras.distribution.list_devices()
    if batch_size % len(devices):
        raise RecipeError(
            f"distribute: expected a batch that {len(devices)} devices can share evenly, got {batch_size}; "
            f"give batch_size={-(-batch_size // len(devices)) * len(devices)} (--batch-size)"
        )
    with keras.distribution.DataParallel(devices=devices).scope():
        yield len(devices)


def mesh() -> Any:
    """The devices of the present distribution, as JAX has them; None where there is none."""
    present = keras.distribution.distribution()
    return None if present is None else present.device_mesh.backend_mesh


class FusedBatchNormalization(keras.layers.BatchNormalization):  # type: ignore[misc]  # keras comes without types
    """``keras.layers.BatchNormalization`` by TensorFlow's fused kernel, for inputs (b, h, w, c).

    Keras computes batch moments by separate passes over the activations, in float32 also where the layer is bfloat16.
    TensorFlow has all of it in one kernel, forward and backward. Shipped models hold Keras' own layer with the same
    weights.
    """

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Normalise; in training by the batch's moments, which also go into the moving averages."""
        usual = self.axis in (-1, 3) and self.center and self.scale and not self.synchronized
        if not training or len(inputs.shape) != 4 or not usual:
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=tf.convert_to_tensor(self.gamma.value),
            offset=tf.convert_to_tensor(self.beta.value),
            mean=tf.zeros((0,)),
            variance=tf.zeros((0,)),
            epsilon=self.epsilon,
            is_training=True,
        )
        keep = self.momentum
        self.moving_mean.assign(self.moving_mean * keep + mean * (1 - keep))
        self.moving_variance.assign(self.moving_variance * keep + variance * (1 - keep))
        return outputs


def batch_norm(**settings: Any) -> Any:
    """A batch normalisation layer for training on this backend, by default with moving averages of short memory."""
    kind = FusedBatchNormalization if BACKEND == "tensorflow" else keras.layers.BatchNormalization
    return kind(**({"momentum": MOMENTUM} | settings))
