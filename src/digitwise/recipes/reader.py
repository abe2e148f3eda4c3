"""The model that ships inside the package: one network, small and fast, that has seen scans.

Not measured yet.
"""

from digitwise.recipes.accurate import ACCURATE

READER = ACCURATE.replace(
    name="reader",
    purpose="the bundled model: one network, trained on made scans of the digits and on other ink too",
    model="narrow-cnn",
    epochs=40,
    members=1,
    test_shifts=False,
    scans=2.0,
    sources=(
        *ACCURATE.sources,
        "D. Hendrycks, M. Mazeika, T. Dietterich, Deep Anomaly Detection with Outlier Exposure (2019)",
        "M. Jaderberg et al., Synthetic Data and Artificial Neural Networks for Natural Scene Text Recognition (2014)",
    ),
)
