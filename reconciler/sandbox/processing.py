"""Executions: PENDING -> RUNNING -> SUCCEEDED / FAILED, and what their lines do to profiles (contract 6.3, 7)."""

import json
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from reconciler.sandbox.merge import upsert
from reconciler.sandbox.store import Row, Store
from reconciler.sandbox.switches import Switches


class BadCommand(Exception):
    """A line that fails."""


class Processor:
    """Works executions off in order, in one thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.switches = Switches()
        self.stuck: set[str] = set()
        self.dropped: set[str] = set()  # accounts whose lines vanish without a word (contract 4.4)
        self.reason = "the user point of 'somebody' is in quarantine"
        self.quarantined: set[str] = set()  # accounts whose lines are refused (contract 9)
        self.outcomes: list[
            str
        ] = []  # words for the next executions to end with, instead of being worked off
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="executions")
        self._thread.start()

    def stop(self) -> None:
        """Work nothing off any more; the store can be closed after that."""
        self._stopped.set()
        self._wake.set()
        self._thread.join()

    def poke(self) -> None:
        """There is something to do."""
        self._wake.set()

    def _work(self) -> None:
        while not self._stopped.is_set():
            waiting = [e for e in self.store.unfinished() if e["id"] not in self.stuck]
            for execution in waiting:
                self._advance(execution)
            self._wake.wait(0.02 if waiting else 1.0)
            self._wake.clear()

    def _advance(self, execution: Row) -> None:
        now, s = time.time(), self.switches
        with self.store.lock:
            current = self.store.get("execution", execution["id"])
            if current is None or current["status"] == "CANCELED":
                return
            age = now - current["created"]
            if current["status"] == "PENDING" and age >= s.pending_seconds:
                self.store.update(
                    "execution", current["id"], {"status": "RUNNING", "start_date": int(now * 1000)}
                )
                return
            if current["status"] != "RUNNING" or age < s.pending_seconds + s.running_seconds:
                return
            if self.outcomes:
                word = self.outcomes.pop(0)
                if word == "STUCK":
                    self.stuck.add(current["id"])
                else:
                    self.store.update(
                        "execution",
                        current["id"],
                        {"status": word, "duration": 1, "error": {"message": f"ended {word} on request"}},
                    )
                return
        self.finish(current)

    def finish(self, execution: Row) -> None:
        """Apply the lines and end the execution."""
        source = Path(execution["upload"])
        failures: list[Row] = []
        with self.store.lock:
            self.store.db.execute("BEGIN")
            try:
                good = (
                    self._count(source)
                    if self.switches.profiles == "counted"
                    else self._apply(execution, source, failures)
                )
            finally:
                self.store.db.execute("COMMIT")
            end = int(time.time() * 1000)
            uri = f"mics://data_file/tenants/{execution['organisation_id']}/{execution['id']}"
            result = {
                "total_success": good,
                "total_failure": len(failures),
                "input_file_uri": f"{uri}_in.ndjson",
            }
            changes: Row = {
                "status": self.switches.success_word,
                "duration": end - int(execution["created"] * 1000),
                "result": result,
                "completed_tasks": 1,
            }
            if failures:
                result["error_file_uri"] = f"{uri}_errors.ndjson"
                changes |= {
                    "error": {"message": f"{len(failures)} lines could not be imported"},
                    "errors": failures,
                }
            self.store.update("execution", execution["id"], changes, lagging=False)
        source.unlink(missing_ok=True)

    def _count(self, source: Path) -> int:
        with source.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))

    def _apply(self, execution: Row, source: Path, failures: list[Row]) -> int:
        good = 0
        datamart = str(execution["datamart_id"])
        active = {str(a["compartment_id"]) for a in self.store.all("activation", datamart)}
        default = next(
            (str(a["compartment_id"]) for a in self.store.all("activation", datamart) if a["default"]), ""
        )
        with source.open("rb") as file:
            for number, raw in enumerate(file, 1):
                try:
                    command = json.loads(raw)
                    if isinstance(command, dict) and str(command.get("user_account_id")) in self.dropped:
                        continue
                    self._command(datamart, command, active, default)
                    good += 1
                except (ValueError, BadCommand) as e:
                    failures.append({**self._said(number, raw), "error": str(e)[:200]})
        return good

    def _said(self, number: int, raw: bytes) -> Row:
        """What an error file says of a line; its real format is unknown (contract 6.4)."""
        if self.switches.error_file == "numbers":
            return {"line": number}
        return {"input": raw.decode("utf-8", "replace")} if self.switches.error_file == "echo" else {}

    def _command(self, datamart: str, command: Any, active: set[str], default: str) -> None:
        if not isinstance(command, dict):
            raise BadCommand("not an object")
        identifier, compartment = self._identify(command, default)
        if str(command.get("user_account_id")) in self.quarantined:
            raise BadCommand(self.reason)
        if compartment and compartment not in active and self.switches.unactivated_compartment == "failure":
            raise BadCommand(f"compartment {compartment} is not active on this datamart")
        operation = command.get("operation")
        if operation not in ("UPSERT", "DELETE"):
            raise BadCommand("unknown operation")
        if operation == "UPSERT":
            self._check_flags(command)
        point = self._point(datamart, identifier, create=operation == "UPSERT")
        if point is None:
            return
        if operation == "DELETE":
            account = str(command.get("user_account_id", ""))
            self.store.db.execute(
                "DELETE FROM profiles WHERE datamart=? AND point=? AND (?='' OR account=?)",
                (datamart, point, account, account),
            )
            return
        given = command["user_profile"]
        # The profile's own two fields decide where it lands; they are not inherited from the line (contract 7.2).
        where = (
            datamart,
            point,
            str(given.get("$compartment_id", default)),
            str(given.get("$user_account_id", "")),
        )
        row = self.store.db.execute(
            "SELECT body FROM profiles WHERE datamart=? AND point=? AND compartment=? AND account=?", where
        ).fetchone()
        new = upsert(
            json.loads(row[0]) if row else None,
            given,
            command,
            array_merge=self.switches.array_merge,
            null_merge=self.switches.null_merge,
        )
        now = int(time.time() * 1000)
        new = {"$creation_ts": now, **new, "$last_modified_ts": now}
        self.store.db.execute("INSERT OR REPLACE INTO profiles VALUES (?,?,?,?,?)", (*where, json.dumps(new)))

    def _identify(self, command: Row, default: str) -> tuple[Row, str]:
        given = [k for k in ("user_account_id", "email_hash", "user_agent_id") if k in command]
        if not given:
            raise BadCommand("no identifier")
        if len(given) > 1 and self.switches.two_identifiers == "failure":
            raise BadCommand("two identifiers")
        if given[0] == "user_account_id":
            compartment = str(command.get("compartment_id", default))
            return {
                "type": "USER_ACCOUNT",
                "user_account_id": str(command["user_account_id"]),
                "compartment_id": compartment,
            }, compartment
        if given[0] == "email_hash":
            return {"type": "USER_EMAIL", "hash": str(command["email_hash"])}, ""
        return {"type": "USER_AGENT", "vector_id": str(command["user_agent_id"])}, ""

    def _check_flags(self, command: Row) -> None:
        if "update_strategy" in command:
            if self.switches.update_strategy == "rejected":
                raise BadCommand("unknown field update_strategy")
        elif not isinstance(command.get("force_replace"), bool):
            raise BadCommand("force_replace is mandatory")
        if not isinstance(command.get("user_profile"), dict):
            raise BadCommand("user_profile is mandatory")

    def _point(self, datamart: str, identifier: Row, *, create: bool) -> str | None:
        key = json.dumps(identifier, sort_keys=True)
        row = self.store.db.execute(
            "SELECT point FROM identifiers WHERE datamart=? AND identifier=?", (datamart, key)
        ).fetchone()
        if row or not create:
            return str(row[0]) if row else None
        point = str(uuid.uuid4())
        body = json.dumps({**identifier, "creation_ts": int(time.time() * 1000)})
        self.store.db.execute("INSERT INTO identifiers VALUES (?,?,?,?)", (datamart, key, point, body))
        return point
