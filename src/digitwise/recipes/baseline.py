"""The exercise's first model.

Measured (benchmarks/results/recipes.csv): 149.6 ± 12.7 wrong of 10,000 MNIST test digits, fit 15.4 s; seeds 0 to 4,
mean and spread, on two cores of an AMD EPYC (AVX512_BF16), bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
"""

from digitwise.recipes.recipe import Recipe

BASELINE = Recipe(
    name="baseline",
    purpose="model 1: one Conv2D, trained in the plainest way",
    model="simple-cnn",
    epochs=5,
    batch_size=128,
    sources=("Keras' simple MNIST example, reduced to one convolution",),
)
