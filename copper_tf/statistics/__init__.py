"""Scores of grades and maps, their intervals, and the width of a map's areas; NumPy and SciPy only."""
