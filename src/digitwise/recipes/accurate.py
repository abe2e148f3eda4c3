"""A model to ship.

Not measured yet.
"""

from digitwise.recipes.augmented import AUGMENTED

ACCURATE = AUGMENTED.replace(
    name="accurate",
    purpose="a model to ship: a wider network, trained for longer",
    model="wide-cnn",
    epochs=20,
)
