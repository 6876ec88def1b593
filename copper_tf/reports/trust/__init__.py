"""The page of `copper trust`, and the same as a section of other pages."""
