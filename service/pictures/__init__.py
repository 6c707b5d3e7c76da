"""The room where untrusted bytes become normalised pixels.

A file is admitted by its first bytes (`admit`), decoded in a disposable child process (`pool`, `process`, `child`)
under a byte budget that every Keepone process of the machine shares (`budget`), and comes back as one upright sRGB
picture (`normalise`) in shared memory, with the facts known of it. Nothing outside this room imports Pillow, and the
decoders for strangers' files never run in the process that serves requests.
"""
