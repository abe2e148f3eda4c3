"""The recipes that ship with digitwise, each with its measured result above it."""

from __future__ import annotations

from digitwise.recipes.recipe import Augmentation, Recipe

# Measured (benchmarks/results/recipes.csv): 97.0 ± 5.9 wrong of 10,000 MNIST test digits, fit 1.6 s; 10 seeds, mean and
# spread, on 2 cores of an Intel Xeon in bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
FLASH = Recipe(
    name="flash",
    purpose="a first answer: 99 % in one epoch",
    model="flash-cnn",
    epochs=1,
    batch_size=256,
    learning_rate=0.016,  # as high as one epoch needs it; one-cycle takes it down again
    betas=(0.7, 0.9),  # 215 steps have no time for long memories
    schedule="one-cycle",
    label_smoothing=0.05,
    sources=(
        "T. Mehdi, train_mnist_fast (one epoch, short memories, one-cycle, batch size)",
        "S. Ioffe, C. Szegedy, Batch Normalization, arXiv 1502.03167",
        "L. N. Smith, N. Topin, Super-Convergence (one-cycle), arXiv 1708.07120",
    ),
)

# Measured (benchmarks/results/recipes.csv): 154.8 ± 11.6 wrong of 10,000 MNIST test digits, fit 11.4 s; 5 seeds, mean
# and spread, on 2 cores of an Intel Xeon in bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
BASELINE = Recipe(
    name="baseline",
    purpose="model 1: one Conv2D, trained in the plainest way",
    model="simple-cnn",
    epochs=5,
    batch_size=128,
    sources=("Keras' simple MNIST example, reduced to one convolution",),
)

# Measured (benchmarks/results/recipes.csv): 38.0 ± 6.6 wrong of 10,000 MNIST test digits, fit 15.2 s; 5 seeds, mean and
# spread, on 2 cores of an Intel Xeon in bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
IMPROVED = Recipe(
    name="improved",
    purpose="model 2: a better network, optimizer and schedule, no augmentation",
    model="lean-cnn",
    epochs=5,
    batch_size=256,
    optimizer="muon",
    learning_rate=0.012,  # twelve times Adam's default: normalisation, one-cycle and short memories carry it
    betas=(0.7, 0.9),  # a training of a thousand steps has no time for memories of a thousand
    schedule="one-cycle",
    label_smoothing=0.05,  # a few labels are wrong, and digits that look like two exist
    sources=(
        "T. Mehdi, train_mnist_fast (short memories, one-cycle)",
        "K. Jordan et al., Muon (2024), and airbench (normalisation behind the pooling)",
        "S. Ioffe, C. Szegedy, Batch Normalization, arXiv 1502.03167",
        "L. N. Smith, N. Topin, Super-Convergence (one-cycle), arXiv 1708.07120",
        "C. Szegedy et al., Rethinking the Inception Architecture (label smoothing), arXiv 1512.00567",
    ),
)

# Measured (benchmarks/results/recipes.csv): 35.2 ± 2.8 wrong of 10,000 MNIST test digits, fit 20.2 s; 5 seeds, mean and
# spread, on 2 cores of an Intel Xeon in bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
AUGMENTED = IMPROVED.replace(
    name="augmented",
    purpose="model 3: model 2 on images warped anew in every epoch",
    epochs=7,
    batch_size=512,
    learning_rate=0.016,
    muon_ratio=9.4,
    test_shifts=True,
    augmentation=Augmentation(
        rotation_range=8,
        width_shift_range=1.5,
        height_shift_range=1.5,
        shear_range=6,
        zoom_range=0.1,
    ),
    sources=(
        *IMPROVED.sources,
        "P. Y. Simard, D. Steinkraus, J. C. Platt, Best Practices for Convolutional Neural Networks (2003)",
        "Keras' ImageDataGenerator (names and meaning of the ranges)",
    ),
)

# Measured (benchmarks/results/recipes.csv): 36.2 ± 3.2 wrong of 10,000 MNIST test digits, fit 19.5 s; 5 seeds, mean and
# spread, on 2 cores of an Intel Xeon in bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
FOCUS = AUGMENTED.replace(
    name="focus",
    purpose="model 3 with extra samples of poorly classified classes",
    epochs=6,  # with the extra samples about as many images as augmented's seven show
    focus=0.15,
)

# Measured (benchmarks/results/recipes.csv): 25.0 ± 2.1 wrong of 10,000 MNIST test digits, fit 301.6 s; 5 seeds, mean
# and spread, on 2 cores of an Intel Xeon in bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
ACCURATE = AUGMENTED.replace(
    name="accurate",
    purpose="a model to ship: three networks of two kinds, averaged, trained for longer on stronger warps",
    model="compact-cnn",
    epochs=16,
    members=3,
    other_models=("deep-cnn",),  # with its errors, which are others, the mean has fewer than with a third compact
    augmentation=Augmentation(
        rotation_range=15,
        width_shift_range=2.5,
        height_shift_range=2.5,
        shear_range=12,
        zoom_range=0.15,
    ),
    sources=(
        *AUGMENTED.sources,
        "L. K. Hansen, P. Salamon, Neural Network Ensembles, IEEE PAMI 12 (1990)",
        "S. An et al., An Ensemble of Simple Convolutional Neural Network Models for MNIST (members that differ), "
        "arXiv 2008.10400",
    ),
)

# Measured (benchmarks/results/recipes.csv): 23.2 ± 1.5 wrong of 10,000 MNIST test digits, fit 878.7 s (while other work
# ran); 5 seeds, mean and spread, on 2 cores of an Intel Xeon in bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
ENSEMBLE = ACCURATE.replace(
    name="ensemble",
    purpose="the least errors: accurate with five networks",
    members=5,
)

# Not measured yet.
READER = ACCURATE.replace(
    name="reader",
    purpose="the bundled model: one network, trained on made scans of the digits and on other ink too",
    model="narrow-cnn",
    epochs=40,
    members=1,
    other_models=(),
    test_shifts=False,
    scans=2.0,
    sources=(
        *ACCURATE.sources,
        "D. Hendrycks, M. Mazeika, T. Dietterich, Deep Anomaly Detection with Outlier Exposure (2019)",
        "M. Jaderberg et al., Synthetic Data and Artificial Neural Networks for Natural Scene Text Recognition (2014)",
    ),
)
