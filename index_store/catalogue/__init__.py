"""SQL truth and the commit-ordered change log. The only importer of SQLAlchemy and Alembic."""

from index_store.catalogue.protocol import Answers, Catalogue, ChangeLog, Jobs, Keys, Records
from index_store.catalogue.sql import SqlCatalogue, open_catalogue

__all__ = ["Answers", "Catalogue", "ChangeLog", "Jobs", "Keys", "Records", "SqlCatalogue", "open_catalogue"]
