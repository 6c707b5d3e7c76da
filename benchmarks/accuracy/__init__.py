"""Which copies are found, which strangers are taken for copies, and how others do on the same pictures.

`transforms` makes edited pictures with AugLy and says what was done to them; `collection` makes the fixed sets of
references, distractors and queries from them; `first_stage` and `peers` answer those queries; `metrics` judges the
answers. `python -m benchmarks.accuracy --half fit --cache DIR` runs it all.
"""
