"""Time to a good result, from a folder of PNGs: ours, PyTorch and Keras' own layers in turns."""
