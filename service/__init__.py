"""Keepone's service: computes about pictures and remembers nothing (what it must remember goes through `index_store`)."""

__version__ = "0.1.0"
