"""The application on PostgreSQL: two of it over one catalogue, as two machines would be."""

import pytest

from benchmarks.hostile.pictures import encoded, scene

pytest.importorskip("psycopg")


def test_what_one_process_took_in_another_one_finds(run_app, tmp_path, postgres_url):
    """Each has an index of its own, folded from the log that they share."""
    picture = scene(1)
    blobs = (tmp_path / "blobs").as_uri()
    with (
        run_app(tmp_path / "a", catalogue_url=postgres_url, blobs_url=blobs) as one,
        run_app(tmp_path / "b", catalogue_url=postgres_url, blobs_url=blobs) as other,
    ):
        assert other.get("/ready").status_code == 200
        first = one.post("/images", files={"file": ("a.png", encoded(picture, "PNG"))})
        assert (first.status_code, first.json()["verdict"]) == (201, "unique")
        second = other.post("/images", files={"file": ("b.jpg", encoded(picture, "JPEG"))})
        assert second.json()["verdict"] == "duplicate"
        assert second.json()["matches"][0]["image_id"] == first.json()["image_id"]
        assert one.get("/stats").json()["images"] == 2
        assert one.delete(f"/images/{first.json()['image_id']}").is_success
        assert other.get("/images").json()["items"][0]["image_id"] == second.json()["image_id"]
