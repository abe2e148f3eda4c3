"""The exercise's first model.

Measured (benchmarks/results/recipes.csv): 154.8 ± 11.6 wrong of 10,000 MNIST test digits, fit 11.4 s; 5 seeds, mean and
spread, on 2 cores of an Intel Xeon in bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
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
