"""`keepone compare-models`: labelled folders and lists in, a table, JSON and a plot out."""

import json
import shutil
import xml.etree.ElementTree as ET

import pytest
from PIL import Image

from service.cli import compare_models
from service.descriptors import deepface
from service.descriptors.testing import ColourTwin


@pytest.fixture
def labelled(pictures, tmp_path):
    """Two folders of six pictures each: one photograph in six sizes."""
    for name, source in (("ann", pictures / "astronaut.jpg"), ("bob", pictures / "deep" / "coffee.png")):
        (tmp_path / "people" / name).mkdir(parents=True)
        for side in range(6):
            with Image.open(source) as opened:
                opened.convert("RGB").resize((200 + 20 * side, 200)).save(tmp_path / "people" / name / f"{side}.png")
    return tmp_path / "people"


def test_a_folder_for_each_person_is_compared_two_by_two(keepone, labelled):
    """Copies of one photograph are told from those of another."""
    ran = keepone("compare-models", labelled, "--model", "builtin")
    assert ran.code == 0
    assert "12 pictures, 30 pairs of the same, 36 of different ones" in ran.out
    assert "Take builtin by cosine" in ran.out


def test_a_list_of_pairs_is_read_wherever_its_files_lay(keepone, labelled, tmp_path):
    """By path below the folder, or by name; other columns do not count, and the case of a heading does not."""
    rows = ["file_x,file_y,Decision,note", "ann/0.png,ann/1.png,Yes,x", "elsewhere/2.png,bob/0.png,No,y"]
    (tmp_path / "pairs.csv").write_text("\n".join(rows))
    shutil.copy(labelled / "ann" / "2.png", labelled)
    ran = keepone("compare-models", tmp_path / "pairs.csv", "--images", labelled, "--model", "builtin", "--json")
    assert ran.code == 0
    written = json.loads(ran.out)
    assert (written["pictures"], written["pairs"]) == (4, {"same": 1, "different": 1})


def test_json_and_plot_are_written_where_asked(keepone, labelled, tmp_path):
    """The plot is XML with a line for each curve."""
    ran = keepone("compare-models", labelled, "--model", "builtin", "--out", tmp_path / "out")
    assert ran.code == 0
    written = json.loads((tmp_path / "out" / "comparison.json").read_text())
    assert {one["metric"] for one in written["measured"]} == {"cosine", "euclidean", "euclidean_l2"}
    drawn = ET.fromstring((tmp_path / "out" / "roc.svg").read_text())  # noqa: S314 - our own
    assert len(list(drawn.iter("{http://www.w3.org/2000/svg}polyline"))) == 3


def test_models_see_the_pictures_in_the_sizes_of_the_service(keepone, labelled, monkeypatch):
    """What copies are told by is the working picture; further models see more."""
    seen = {}

    class Seeing(ColourTwin):
        def describe(self, pictures):
            seen[self.name] = max(max(seen.get(self.name, 0), *picture.shape) for picture in pictures)
            return super().describe(pictures)

    class SeeingBuiltIn(Seeing):
        def __init__(self):
            super().__init__("builtin")

    monkeypatch.setattr(deepface, "opened", lambda name, _: Seeing(name))
    monkeypatch.setattr(SeeingBuiltIn, "name", "builtin", raising=False)
    monkeypatch.setattr(compare_models, "_BuiltIn", SeeingBuiltIn)
    for name in ("ann", "bob"):
        Image.effect_noise((2000, 1000), 60).convert("RGB").save(labelled / name / "large.png")
    ran = keepone("compare-models", labelled, "--model", "builtin", "--model", "deepface:Dlib")
    assert ran.code == 0, ran.err
    assert seen == {"builtin": 512, "deepface:Dlib": 1024}


def test_a_model_without_weights_is_named_and_the_rest_goes_on(keepone, labelled):
    """With what to do about it."""
    ran = keepone("compare-models", labelled, "--model", "builtin", "--model", "clip:ViT-B-32/none")
    assert ran.code == 0
    assert "clip:ViT-B-32/none: " in ran.out
    assert "Take builtin" in ran.out


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("file_x,file_y\na,b", "decision"),
        ("file_x,file_y,decision\nann/0.png,ann/1.png,perhaps", "line 2"),
        ("file_x,file_y,decision\nann/0.png,gone.png,Yes", "gone.png"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused_by_line(keepone, labelled, tmp_path, rows, said):
    """Before any model is opened."""
    (tmp_path / "pairs.csv").write_text(rows)
    ran = keepone("compare-models", tmp_path / "pairs.csv", "--images", labelled)
    assert ran.code == 2
    assert said in ran.err


def test_an_unknown_model_or_a_folder_without_persons_is_a_mistake_of_use(keepone, labelled):
    """Exit code 2, as for any other."""
    assert keepone("compare-models", labelled, "--model", "mine").code == 2
    assert keepone("compare-models", labelled / "ann").code == 2
