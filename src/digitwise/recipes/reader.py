"""The model that ships inside the package: one network, small and fast, that has seen scans.

Trained twice: 40 epochs, then 12 from those weights with another seed, with Optdigits and Semeion (``make model``):
33 errors of MNIST's 10,000 test digits as they are; what it reads of strangers' digits is in benchmarks/README.md.
Fit 1,162 and 186 s on two cores of an Intel Xeon (AMX), bfloat16; Keras 3.15.1 on TensorFlow 2.21; one seed each.
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
