"""FLOOR 3: pages, static modules and styles; they talk to the public API alone."""
