"""The exercise's first model."""

from digitwise.recipes.recipe import Recipe

BASELINE = Recipe(
    name="baseline",
    purpose="model 1: one Conv2D, trained in the plainest way",
    model="simple-cnn",
    epochs=5,
    batch_size=128,
    sources=("Keras' simple MNIST example, reduced to one convolution",),
)
