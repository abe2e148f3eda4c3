"""The augmented model, with more samples of the classes that validation shows to be poor.

Measured (benchmarks/results/job.csv): 37.0 ± 5.6 wrong of 10,000 MNIST test digits, fit 44.6 s; mean and spread
of seeds 0 to 2 on two cores of an Intel Xeon (AVX512_BF16, AMX), bfloat16, Keras 3.15.1 on TensorFlow 2.21.0.
"""

from digitwise.recipes.augmented import AUGMENTED

FOCUS = AUGMENTED.replace(
    name="focus",
    purpose="model 3 with extra samples of poorly classified classes",
    epochs=5,  # with the extra samples about as many pictures as augmented's epochs show
    focus=0.15,
)
