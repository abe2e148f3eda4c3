"""The optimizers: Keras' own, a faster Adam, and Muon for the kernels of hidden layers."""

from __future__ import annotations

import math
from typing import Any

from digitwise.recipes import Recipe
from digitwise.training.backend import BACKEND, keras
from digitwise.training.options import Precision

ops = keras.ops

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)  # Jordan's coefficients: steep at zero, close enough to one above it
ITERATIONS = 3  # enough for singular values between 0.7 and 1.2; Jordan's five take longer
FEWEST_INPUTS = 100  # per unit; kernels with fewer, as a first layer's, are left to Adam


class Adam(keras.optimizers.Adam):  # type: ignore[misc]  # keras comes without types
    """``keras.optimizers.Adam``; on TensorFlow by one fused kernel instead of ten small ones for each weight."""

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Change all variables; what the fused kernel needs of the number of steps is computed once for them."""
        if BACKEND == "tensorflow":
            step = ops.cast(self.iterations + 1, "float32")
            self.powers = self.beta_1**step, self.beta_2**step
        super().apply(grads, trainable_variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Change one variable."""
        if BACKEND != "tensorflow":
            super().update_step(gradient, variable, learning_rate)
            return
        import tensorflow as tf

        index = self._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=self.powers[0],
            beta2_power=self.powers[1],
            lr=ops.cast(learning_rate, "float32"),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


class Muon(Adam):
    """Adam, but with orthogonalised momentum for the kernels of hidden layers.

    All directions of a kernel then learn at the same speed, however small their gradients. Keras' own Muon leaves the
    kernels of convolutions to Adam.

    Parameters
    ----------
    learning_rate : float
        Adam's.
    muon_ratio : float
        Muon's learning rate over Adam's.
    momentum : float
        Muon's.
    dtype : {"float32", "bfloat16"}
        In which kernels are orthogonalised: bfloat16 is exact enough, and faster where the processor computes with it.
    settings : dict
        As for Keras' Adam.

    References
    ----------
    K. Jordan et al., Muon: An optimizer for hidden layers in neural networks (2024), kellerjordan.github.io/posts/muon
    """

    def __init__(
        self, learning_rate: float, *, muon_ratio: float, momentum: float, dtype: Precision = "float32", **settings: Any
    ) -> None:
        super().__init__(learning_rate, **settings)
        self.muon_ratio, self.momentum, self.dtype = muon_ratio, momentum, dtype
        self.hidden: set[int] = set()

    def build(self, variables: Any) -> None:
        """Make the optimizer's variables, and find the hidden kernels among the network's."""
        super().build(variables)
        kernels = [i for i, variable in enumerate(variables) if len(variable.shape) > 1]
        self.hidden = {i for i in kernels[:-1] if _inputs(variables[i]) >= FEWEST_INPUTS}  # the last gives the answers

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Change one variable."""
        index = self._get_variable_index(variable)
        if index not in self.hidden:
            super().update_step(gradient, variable, learning_rate)
            return
        memory = self._momentums[index]
        self.assign(memory, ops.add(memory * self.momentum, gradient))
        ahead = ops.add(gradient, memory * self.momentum)  # Nesterov's momentum
        matrix = ops.reshape(ahead, (-1, variable.shape[-1]))  # (inputs, units)
        inputs, units = matrix.shape
        rate = ops.cast(learning_rate, "float32") * (self.muon_ratio * max(1, units / inputs) ** 0.5)
        self.assign_sub(variable, ops.reshape(rate * orthogonalized(matrix, self.dtype), variable.shape))


def _inputs(kernel: Any) -> int:
    """Numbers that each unit takes."""
    return math.prod(kernel.shape[:-1])


def orthogonalized(matrix: Any, dtype: Precision) -> Any:
    """The nearest matrix with all singular values near one, by Newton and Schulz's iteration.

    Parameters
    ----------
    matrix : float32 tensor, shape (m, n)
    dtype : {"float32", "bfloat16"}
        Of the iteration.

    Returns
    -------
    float32 tensor, shape (m, n)
        Singular values between about 0.7 and 1.2.
    """
    tall = matrix.shape[0] > matrix.shape[1]
    wide = ops.transpose(matrix) if tall else matrix
    x = ops.cast(wide / (ops.norm(wide) + 1e-7), dtype)
    a, b, c = NEWTON_SCHULZ
    for _ in range(ITERATIONS):
        square = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * square + c * ops.matmul(square, square), x)
    x = ops.cast(x, "float32")
    return ops.transpose(x) if tall else x


def make_optimizer(recipe: Recipe, dtype: Precision) -> Any:
    """Make the recipe's optimizer for a training in this precision; every step sets its learning rate."""
    rate = recipe.learning_rate
    if recipe.optimizer == "sgd":
        return keras.optimizers.SGD(rate, momentum=float(recipe.momentum), nesterov=recipe.nesterov)
    if recipe.optimizer == "rmsprop":
        return keras.optimizers.RMSprop(rate, rho=recipe.rho, momentum=float(recipe.momentum))
    beta_1, beta_2 = recipe.betas
    settings = {"learning_rate": rate, "beta_1": beta_1, "beta_2": beta_2}
    if recipe.optimizer == "muon":
        return Muon(muon_ratio=recipe.muon_ratio, momentum=recipe.muon_momentum, dtype=dtype, **settings)
    decay = {"weight_decay": recipe.weight_decay} if recipe.optimizer == "adamw" else {}
    kind = keras.optimizers.Adam if BACKEND == "torch" else Adam  # which changes all variables together there
    return kind(**settings, **decay)
