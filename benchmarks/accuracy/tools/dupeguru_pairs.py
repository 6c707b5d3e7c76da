"""dupeGuru's picture mode without its windows: `python dupeguru_pairs.py UNPACKED FOLDER`.

Its blocks, its comparison, its usual hardness of 95, and pictures of different sizes compared; only the decoding is
Pillow's instead of Qt's.
"""

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

HARDNESS = 95


class Photo:
    """What dupeGuru asks of a picture."""

    is_ref = False

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unicode_path = str(path)
        self.size = path.stat().st_size
        self.digest = hashlib.sha256(path.read_bytes()).digest()
        self.dimensions = (0, 0)

    def get_blocks(self, per_side: int) -> Any:
        from core.pe.block import getblocks2  # noqa: PLC0415 - found where it was unpacked

        with Image.open(self.path) as image:
            return getblocks2(image.convert("RGB"), per_side)


def main(unpacked: Path, folder: Path) -> dict[str, Any]:
    sys.path.insert(0, str(unpacked / "usr" / "share" / "dupeguru"))
    from core import __version__  # noqa: PLC0415 - see above
    from core.pe.matchblock import getmatches  # noqa: PLC0415 - see above

    photos = [Photo(path) for path in sorted(folder.iterdir())]
    with tempfile.TemporaryDirectory() as cache:
        matches = getmatches(photos, str(Path(cache) / "blocks.db"), HARDNESS, match_scaled=True)
    pairs = sorted(sorted((match.first.path.name, match.second.path.name)) for match in matches)
    return {"version": __version__, "pairs": pairs}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))))
