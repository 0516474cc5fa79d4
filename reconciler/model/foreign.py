"""Words that the platform said, after everything was taken out of them that nobody may see: of this type and no other.

Only `reconciler.api` makes them, where the request is known: its token, and whether it carried profile data (G9).
"""

from typing import NewType

ForeignText = NewType("ForeignText", str)
