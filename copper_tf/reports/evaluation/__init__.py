"""The page of `copper evaluate`."""
