"""The version of this package: one place, which the build and the files that name it read."""

__version__ = "0.1.0"
