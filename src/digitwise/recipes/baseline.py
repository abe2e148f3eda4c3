"""The exercise's first model.

Measured (benchmarks/results/job.csv): 150.0 ± 15.6 wrong of 10,000 MNIST test digits, fit 13.3 s; mean and spread
of seeds 0 to 2 on two cores of an Intel Xeon (AVX512_BF16, AMX), bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
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
