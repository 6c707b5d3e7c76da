"""The first-stage descriptor: how the network that ships was trained, on `data/train` alone."""
