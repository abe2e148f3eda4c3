"""The least errors.

Not measured yet.
"""

from digitwise.recipes.accurate import ACCURATE

ENSEMBLE = ACCURATE.replace(
    name="ensemble",
    purpose="the least errors: four accurate networks, their probabilities averaged",
    members=4,
    sources=(
        *ACCURATE.sources,
        "L. K. Hansen, P. Salamon, Neural Network Ensembles, IEEE PAMI 12 (1990)",
    ),
)
