"""`keepone assess`: how good pictures are, without a store of pictures."""

import json

from PIL import Image


def test_a_picture_is_described_in_words(keepone, pictures):
    """Its numbers, and yes or no where that is the answer."""
    ran = keepone("assess", pictures / "astronaut.jpg")
    assert ran.code == 0
    assert "astronaut.jpg: JPEG 512 x 512, " in ran.out
    assert "jpeg_quality 92" in ran.out
    assert "metadata_kept no" in ran.out
    assert "authenticity: risk 0.0" in ran.out


def test_as_json_each_file_is_one_line(keepone, pictures):
    """The block `query` of a verdict, with the file's name."""
    ran = keepone("assess", "--json", pictures / "astronaut.jpg", pictures / "deep" / "coffee.png")
    first, second = (json.loads(line) for line in ran.out.splitlines())
    assert first["file"].endswith("astronaut.jpg")
    assert first["quality"]["jpeg_quality"] == 92
    assert 0.2 < first["quality"]["effective_megapixels"] <= 0.263
    assert second["quality"]["was_lossy"] is False


def test_a_broken_file_exits_3_and_the_others_are_assessed(keepone, pictures):
    """Named on standard error."""
    ran = keepone("assess", pictures / "deep" / "broken.jpg", pictures / "copy.jpg")
    assert ran.code == 3
    assert "broken.jpg: " in ran.err
    assert "copy.jpg: JPEG" in ran.out


def test_of_copies_it_says_which_should_stay_and_why(keepone, pictures, tmp_path):
    """Whatever the order they are named in; the PNG of a JPEG is not the better one for being lossless."""
    jpeg, png = pictures / "astronaut.jpg", tmp_path / "resaved.png"
    Image.open(jpeg).save(png)
    told = []
    for order in ((jpeg, png), (png, jpeg)):
        ran = keepone("assess", "--json", "--keeper", *order)
        told.append(json.loads(ran.out.splitlines()[-1]))
    assert told[0] == told[1]
    assert (told[0]["keeper"], told[0]["policy"]) == (str(jpeg), "keeper-2")
    [over] = told[0]["over"]
    assert (over["file"], over["clear"]) == (str(png), True)
    assert "it is no JPEG that was saved anew" in [reason["text"] for reason in over["reasons"]]
    assert f"{jpeg} should stay, by keeper-2" in keepone("assess", "--keeper", jpeg, png).out
