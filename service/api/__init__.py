"""FLOOR 3: HTTP. A handler parses, calls one workflow and shapes the answer."""
