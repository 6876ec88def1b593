"""The page of `copper search`."""
