"""How the probability behind a verdict was fitted, on `data/train` and on documents drawn from a seed."""
