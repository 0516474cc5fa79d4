"""An index as it lies in a store: how it is shown, and whom its entries are about.

Beside the index of a source with `gone: delete` lies a second file: whom each entry is about, in the same order, enciphered. The
index names it by its id, so each is believed only with the other.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import IO

from reconciler.bulk.sent.digests import Key
from reconciler.bulk.sent.index_file import Description, Unusable, joined, read_index
from reconciler.bulk.sent.store import Store
from reconciler.bulk.sources import enciphered
from reconciler.errors import ReconcilerError
from reconciler.model.sent import KeptIndex
from reconciler.model.source import SourceDefinition
from reconciler.planning.digests import identified

IDENTITIES = "-identities"  # ends the name of the file that says whom an index is about


def number_of(name: str) -> int:
    """The number of the load that an index is of, by its name."""
    return int(name.split(".")[-2].removeprefix("g"))


@dataclass(frozen=True, slots=True)
class Stored:
    """The indexes of one store, by their names.

    Attributes:
        store: where they lie.
        key: gives the key of their digests.
    """

    store: Store
    key: Key

    def with_identities(
        self,
        source: SourceDefinition,
        about: Description,
        title: str,
        read: Iterator[bytes],
        stack: ExitStack,
    ) -> Iterator[bytes]:
        """Entries with whom they are about.

        Args:
            source: with which they are compared.
            about: what the index says of itself.
            title: of its load.
            read: the entries.
            stack: closes the file.

        Raises:
            Unusable: that is not kept, or cannot be read.
        """
        if not about.identities:
            raise Unusable(f"the sent index of {title} was made without gone: delete")
        if about.identified != identified(source):
            raise Unusable(f"identify_by is not what it was in {title}")
        try:
            found = self.store.open(about.name + IDENTITIES)
        except ReconcilerError as e:
            raise Unusable(f"the identities of {title} cannot be read: {e}") from None
        if found is None:
            raise Unusable(f"the identities of {title} are not there")
        return joined(read, self._identities(stack.enter_context(found), about), title)

    def _identities(self, file: IO[bytes], about: Description) -> Iterator[bytes]:
        """Whom the entries of an index are about, in order.

        Raises:
            Damaged: they cannot be believed.
        """
        if enciphered.identity_of(file).hex() != about.identities:
            raise enciphered.Damaged("they are of another index")
        key = self.key(False) or b""
        for records in enciphered.read(file, key, about.name):
            yield from records

    def shown(self, name: str) -> KeptIndex | None:
        """One index, looked at; None where it is not there any more."""
        try:
            file = self.store.open(name)
        except ReconcilerError as e:
            return KeptIndex(number_of(name), trouble=f"it cannot be read: {e}")
        if file is None:
            return None
        with file:
            try:
                about, _ = read_index(file, self.key(False), name)
            except Unusable as e:
                return KeptIndex(number_of(name), trouble=str(e))
        shown = KeptIndex(number_of(name), about.rows, about.unknown, about.since_full)
        return replace(shown, identities=True, trouble=self._verified(about)) if about.identities else shown

    def _verified(self, about: Description) -> str:
        """What is wrong with the identities beside an index; empty if they are whole."""
        try:
            file = self.store.open(about.name + IDENTITIES)
        except ReconcilerError as e:
            return f"its identities cannot be read: {e}"
        if file is None:
            return "its identities are not there"
        with file:
            try:
                count = sum(1 for _ in self._identities(file, about))
            except ReconcilerError as e:
                return f"its identities cannot be used: {e}"
        return "" if count == about.rows else "its identities are not as many"
