"""The exercise's first model.

Measured (benchmarks/results/recipes.csv): 149.6 ± 12.7 wrong of 10,000 MNIST test digits, fit 15.4 s; 5 seeds, mean and
spread, on 2 cores of an AMD EPYC in bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
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
