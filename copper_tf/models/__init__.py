"""The two Keras functional models: layers, heads, decoders, losses, metrics, and the arithmetic of what they see."""
