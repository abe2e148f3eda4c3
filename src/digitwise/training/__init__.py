"""Training: the only package, with ``models``, that imports Keras."""
