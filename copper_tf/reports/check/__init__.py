"""The page of `copper check`."""
