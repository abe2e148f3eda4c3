"""The least errors.

Not measured yet.
"""

from digitwise.recipes.accurate import ACCURATE

ENSEMBLE = ACCURATE.replace(
    name="ensemble",
    purpose="the least errors: five networks, averaged, each trained for longer",
    epochs=16,
    members=5,
)
