"""What the lines of an upload do to profiles (contract 7): identity from 7.1 and 7.2, merging from 7.4."""

import json
import time
import uuid
from typing import Any

from reconciler.sandbox.live_schema import admitted, live_schema
from reconciler.sandbox.merge import upsert
from reconciler.sandbox.store import Row, Store
from reconciler.sandbox.switches import Switches


class BadCommand(Exception):
    """A line that fails; the message is for its error file."""


class Commands:
    """Applies lines to one datamart. The caller holds a transaction."""

    def __init__(self, store: Store, switches: Switches, datamart: str) -> None:
        self.store, self.switches, self.datamart = store, switches, datamart
        rows = store.all("activation", datamart)
        self.schema = live_schema(store, datamart)
        self.active = {str(a["compartment_id"]) for a in rows}
        self.default = next((str(a["compartment_id"]) for a in rows if a["default"]), "")

    def apply(self, command: Any) -> None:
        """Carry out one line.

        Raises:
            BadCommand: it fails, and changes nothing.
        """
        if not isinstance(command, dict):
            raise BadCommand("not an object")
        identifier, compartment = self._identify(command)
        if (
            compartment
            and compartment not in self.active
            and self.switches.unactivated_compartment == "failure"
        ):
            raise BadCommand(f"compartment {compartment} is not active on this datamart")
        match command.get("operation"):
            case "UPSERT":
                self._check_flags(command)
                command = self._admitted(command)
                self._upsert(self._point(identifier, create=True), command)
            case "DELETE":
                self._delete(self._point(identifier, create=False), command)
            case _:
                raise BadCommand("unknown operation")

    def _admitted(self, command: Row) -> Row:
        """The command as the schema lets it through (contract 16.8)."""
        if self.schema is None:
            return command
        whole = command.get("force_replace") is True or command.get("update_strategy") == "FORCE_REPLACE"
        given, failing = admitted(self.schema, command["user_profile"], self.switches, whole=whole)
        if failing:
            raise BadCommand("; ".join(p.words() for p in failing))
        return {**command, "user_profile": given}

    def _upsert(self, point: str | None, command: Row) -> None:
        given = command["user_profile"]
        # The profile's own two fields decide where it lands; they are not inherited from the line (contract 7.2).
        compartment, account = (
            str(given.get("$compartment_id", self.default)),
            str(given.get("$user_account_id", "")),
        )
        where = (self.datamart, point, compartment, account)
        row = self.store.db.execute(
            "SELECT body FROM profiles WHERE datamart=? AND point=? AND compartment=? AND account=?", where
        ).fetchone()
        s = self.switches
        stored = json.loads(row[0]) if row else None
        new = upsert(stored, given, command, array_merge=s.array_merge, null_merge=s.null_merge)
        now = time.time()
        stamps = {
            "$creation_ts": (stored or {}).get("$creation_ts", int(now * 1000)),
            "$last_modified_ts": int(now * 1000),
        }
        self.store.db.execute(
            "INSERT INTO profiles VALUES (?,?,?,?,?,NULL,?,0) ON CONFLICT DO UPDATE SET"
            " shown=profiles.body, body=excluded.body, written=excluded.written, reads=0",
            (*where, json.dumps({**new, **stamps}), now),
        )

    def _delete(self, point: str | None, command: Row) -> None:
        """Which profile goes where a user point has several is unknown (contract 7.1): the account's, or all."""
        account = str(command.get("user_account_id", ""))
        self.store.db.execute(
            "DELETE FROM profiles WHERE datamart=? AND point=? AND (?='' OR account=?)",
            (self.datamart, point, account, account),
        )

    def _identify(self, command: Row) -> tuple[Row, str]:
        given = [k for k in ("user_account_id", "email_hash", "user_agent_id") if k in command]
        if not given:
            raise BadCommand("no identifier")
        if len(given) > 1 and self.switches.two_identifiers == "failure":
            raise BadCommand("two identifiers")
        value = str(command[given[0]])
        if given[0] == "user_account_id":
            compartment = str(command.get("compartment_id", self.default))
            return {
                "type": "USER_ACCOUNT",
                "user_account_id": value,
                "compartment_id": compartment,
            }, compartment
        if given[0] == "email_hash":
            return {"type": "USER_EMAIL", "hash": value}, ""
        return {"type": "USER_AGENT", "vector_id": value}, ""

    def _check_flags(self, command: Row) -> None:
        if "update_strategy" in command:
            if self.switches.update_strategy == "rejected":
                raise BadCommand("unknown field update_strategy")
        elif not isinstance(command.get("force_replace"), bool):
            raise BadCommand("force_replace is mandatory")
        if not isinstance(command.get("user_profile"), dict):
            raise BadCommand("user_profile is mandatory")

    def _point(self, identifier: Row, *, create: bool) -> str | None:
        key = json.dumps(identifier, sort_keys=True)
        row = self.store.db.execute(
            "SELECT point FROM identifiers WHERE datamart=? AND identifier=?", (self.datamart, key)
        ).fetchone()
        if row or not create:
            return str(row[0]) if row else None
        point = str(uuid.uuid4())
        body = json.dumps({**identifier, "creation_ts": int(time.time() * 1000)})
        self.store.db.execute("INSERT INTO identifiers VALUES (?,?,?,?)", (self.datamart, key, point, body))
        return point
