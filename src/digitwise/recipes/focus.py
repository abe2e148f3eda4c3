"""The augmented model, with more samples of the classes that validation shows to be poor."""

from digitwise.recipes.augmented import AUGMENTED

FOCUS = AUGMENTED.replace(
    name="focus",
    purpose="model 3 with extra samples of poorly classified classes",
    epochs=8,  # with the extra samples about as many pictures as augmented's epochs show
    focus=0.15,
)
