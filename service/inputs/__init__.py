"""Many pictures at once: an archive, or paths below import roots, become a sequence of named items.

Names are opaque text here: they are shown and kept, and never part of a path that is opened. Nothing is extracted to
disk, and no size that a file states about itself is believed before the bytes are counted.
"""
