"""A SEM folder: its pictures, their stress times, labels.csv, and the folder's fingerprint."""
