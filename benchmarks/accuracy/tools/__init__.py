"""Drivers of other folder tools. Each runs in the tool's own environment, so it imports nothing of ours.

A driver is given a folder and prints JSON: the tool's version and the pairs of file names it takes for copies.
"""
