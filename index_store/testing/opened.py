"""How the suites of a catalogue come by one."""

from collections.abc import Iterator
from contextlib import contextmanager

from index_store.catalogue.protocol import Catalogue
from index_store.records import Space
from index_store.testing.samples import DIMENSION


class OpensCatalogue:
    """Subclass it, and say how to make an empty catalogue."""

    def make_catalogue(self) -> Catalogue:
        raise NotImplementedError

    @contextmanager
    def opened(self) -> Iterator[tuple[Catalogue, Space]]:
        catalogue = self.make_catalogue()
        try:
            yield catalogue, catalogue.ensure_space("builtin", "1", DIMENSION, "cosine")
        finally:
            catalogue.close()
