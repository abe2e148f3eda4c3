"""The model that ships inside the package: one network, small and fast, that has seen scans.

Not measured yet.
"""

from digitwise.recipes.accurate import ACCURATE

READER = ACCURATE.replace(
    name="reader",
    purpose="the bundled model: one network, trained on made scans of the digits too",
    model="narrow-cnn",
    epochs=16,
    members=1,
    test_shifts=False,
    scans=1.0,
    sources=(
        *ACCURATE.sources,
        "M. Jaderberg et al., Synthetic Data and Artificial Neural Networks for Natural Scene Text Recognition (2014)",
    ),
)
