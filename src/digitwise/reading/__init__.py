"""From photos and scans to digits: NumPy, Pillow and SciPy's ndimage, never Keras."""
