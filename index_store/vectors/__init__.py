"""Vector indexes: rebuildable folds of the catalogue's log. None of them is ever the truth."""

from index_store.vectors.exact import ExactIndex
from index_store.vectors.follower import Follower
from index_store.vectors.protocol import Neighbour, VectorIndex

__all__ = ["ExactIndex", "Follower", "Neighbour", "VectorIndex"]
