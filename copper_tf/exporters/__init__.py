"""Models for other programs: each format is written, opened in its own runtime and compared before it counts."""
