"""Small CLIPs made on the spot: real open_clip models of a small architecture, their weights by chance."""

import json

import open_clip
import pytest
import safetensors.torch
import torch

SMALL = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 16},
    "text_cfg": {"context_length": 8, "vocab_size": 64, "width": 32, "heads": 2, "layers": 1},
}


@pytest.fixture(scope="session", autouse=True)
def architectures(tmp_path_factory):
    """Told to open_clip in the way it has for it: a file for each architecture."""
    folder = tmp_path_factory.mktemp("architectures")
    wider = SMALL | {"vision_cfg": SMALL["vision_cfg"] | {"width": 96}}
    larger = SMALL | {"vision_cfg": SMALL["vision_cfg"] | {"image_size": 48}}
    for name, config in {"small": SMALL, "wider": wider, "larger": larger}.items():
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)


def state_of(architecture, seed):
    torch.manual_seed(seed)
    return {key: value.contiguous() for key, value in open_clip.create_model(architecture).state_dict().items()}


@pytest.fixture
def saved(given):
    """Writes weights of an architecture into the models folder under a tag."""

    def save(tag, architecture="small", seed=1, suffix=".safetensors", under="small"):
        path = given.models_folder / "clip" / under / f"{tag}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        state = state_of(architecture, seed)
        if suffix == ".safetensors":
            safetensors.torch.save_file(state, path)
        else:
            torch.save(state, path)
        return path

    return save
