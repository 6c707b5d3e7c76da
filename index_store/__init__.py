"""Everything that must survive: catalogue, vectors and blobs. Remembers, and computes nothing about pictures."""
