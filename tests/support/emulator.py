"""The sandbox in a thread of the test process, with the few words that most tests use."""

from typing import Any

from reconciler.sandbox.threaded import ThreadedSandbox


class Emulator(ThreadedSandbox):
    """A served sandbox; `url` is where."""

    def fault(self, *rows: Any) -> None:
        super().fault(rows)

    def script(self, script: dict[str, Any]) -> None:
        super().fault(script)

    def end_with(self, *words: str) -> None:
        self.sandbox.processor.outcomes += words

    def quarantine(self, *accounts: str) -> None:
        """Refuse lines about these accounts, and about no others, from now on."""
        self.sandbox.processor.quarantined = set(accounts)

    def compartments(self, organisation_id: str = "1185") -> list[dict[str, Any]]:
        return super().compartments(organisation_id)

    def imports_named(self, datamart: str) -> list[str]:
        return [i["name"] for i in self.imports(datamart)]
