"""imagededup's perceptual hash at its usual distance: `python imagededup_pairs.py PHash 10 FOLDER`."""

import json
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

# Its networks need torch, some gigabytes that its hashes never touch: empty rooms stand where those would be.
for room, names in (("methods.cnn", ["CNN"]), ("utils.models", ["CustomModel"]), ("utils.data_generator", [])):
    empty = ModuleType(f"imagededup.{room}")
    for name in [*names, "img_dataloader", "MobilenetV3", "ViT", "EfficientNet", "DEFAULT_MODEL_NAME"]:
        setattr(empty, name, None)
    sys.modules[empty.__name__] = empty


def main(method: str, distance: int, folder: Path) -> dict[str, Any]:
    from imagededup.methods import hashing  # noqa: PLC0415 - the empty rooms come first

    hasher = getattr(hashing, method)(verbose=False)
    found = hasher.find_duplicates(image_dir=str(folder), max_distance_threshold=distance, num_enc_workers=0)
    pairs = {tuple(sorted((name, other))) for name, others in found.items() for other in others}
    return {"version": version("imagededup"), "pairs": sorted(pairs)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
