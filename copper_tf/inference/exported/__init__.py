"""Exported models, opened in their own runtimes and used like a run."""
