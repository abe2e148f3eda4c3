"""Training: the only part of the house, with ``models``, that imports Keras."""
