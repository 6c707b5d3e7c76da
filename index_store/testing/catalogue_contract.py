"""What every catalogue must do, in the words of `catalogue/protocol.py`: the suites of its parts, together."""

from index_store.testing.fold_contract import FoldContract
from index_store.testing.groups_contract import GroupsContract
from index_store.testing.log_contract import LogContract
from index_store.testing.records_contract import RecordsContract


class CatalogueContract(LogContract, FoldContract, GroupsContract, RecordsContract):
    """Subclass it, and say how to make an empty catalogue."""
