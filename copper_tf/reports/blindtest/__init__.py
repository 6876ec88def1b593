"""The page of a blind test's results."""
