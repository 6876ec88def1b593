"""Laws of decay: hypotheses g, families of laws and their fits, the ageing curve estimated from label means."""
