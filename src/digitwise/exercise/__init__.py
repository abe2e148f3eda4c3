"""The exercise "Classification of MNIST" for a class: a notebook with gaps, and its marking."""
