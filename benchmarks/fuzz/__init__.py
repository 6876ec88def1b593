"""Mutated files and folders, each of which must end in a clear error or a correct read."""
