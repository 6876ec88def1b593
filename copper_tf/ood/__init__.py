"""Out-of-distribution warnings: whether a picture is like those a model was trained on; NumPy and SciPy only."""
