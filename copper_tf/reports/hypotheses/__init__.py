"""The page of `copper hypotheses`."""
