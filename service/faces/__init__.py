"""Face boxes and landmarks. Optional: a picture is compared whether or not it shows a face."""
