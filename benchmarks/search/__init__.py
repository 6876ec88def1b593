"""The search's quality, workers and kills."""
