"""Very many pictures through an exported model: shards of a list, one part of the table for each, by Apache Beam.

Nothing here imports TensorFlow; a worker opens the export in the export's own runtime.
"""
