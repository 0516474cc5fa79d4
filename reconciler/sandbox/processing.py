"""Executions: PENDING -> RUNNING -> SUCCEEDED / FAILED, in the order of a switch (contract 6.3, 13).

Lines are worked off in transactions of a few hundred, each with how far it came: the process may be killed in between.
"""

import json
import random
import threading
import time
from pathlib import Path
from typing import Any

from reconciler.sandbox.commands import BadCommand, Commands
from reconciler.sandbox.store import Row, Store
from reconciler.sandbox.strict_json import read_json
from reconciler.sandbox.switches import Switches

BATCH = 500
TICK = 0.01


class Processor:
    """Works executions off in one thread."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.switches = Switches()
        self.dropped: set[str] = set()  # accounts whose lines vanish without a word (contract 4.4)
        self.reason = "the user point of 'example' is in quarantine"
        self.quarantined: set[str] = set()  # accounts whose lines are refused (contract 9)
        self.outcomes: list[
            str
        ] = []  # words for the next executions to end with, instead of being worked off
        self._dice = random.Random(0)  # noqa: S311 - an order, no secret
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

    def unstick(self) -> None:
        """Let go on what was stuck."""
        with self.store.lock:
            self.store.db.execute(
                "UPDATE objects SET body=json_remove(body, '$.stuck') WHERE kind='execution' AND json_extract(body, '$.stuck') IS NOT NULL"
            )
        self.poke()

    def _work(self) -> None:
        while not self._stopped.is_set():
            waiting = self.store.unfinished()
            moved = [self._advance(execution) for execution in self._next(waiting)]
            if not any(moved):
                self._wake.wait(TICK if waiting else 1.0)
                self._wake.clear()

    def _next(self, waiting: list[Row]) -> list[Row]:
        """Those that may move on now."""
        if self.switches.order == "parallel" or not waiting:
            return waiting
        running = [e for e in waiting if e["status"] == "RUNNING"]
        if running:
            return running[:1]
        return waiting[:1] if self.switches.order == "fifo" else [self._dice.choice(waiting)]

    def _advance(self, execution: Row) -> bool:
        """Move one on, if its time has come; True if it moved."""
        now, s = time.time(), self.switches
        with self.store.lock:
            current = self.store.get("execution", execution["id"])
            if current is None or current["status"] not in ("PENDING", "RUNNING"):
                return False
            if current["status"] == "PENDING":
                if now < current["created"] + s.pending_seconds:
                    return False
                begun = {"status": "RUNNING", "start_date": int(now * 1000), "started": now}
                self.store.update("execution", current["id"], begun)
                return True
            if now < current["started"] + s.running_seconds:
                return False
            word = current.get("fate") or (self.outcomes.pop(0) if self.outcomes else None)
            if word == "STUCK":
                self.store.update("execution", current["id"], {"stuck": True, "fate": None})
                return True
            if word:
                ended = {"status": word, "duration": 1, "error": {"message": f"ended {word} on request"}}
                self.store.update("execution", current["id"], ended)
                return True
        self.finish(current)
        return True

    def finish(self, execution: Row) -> None:
        """Apply the lines, from where an earlier process came to, and end the execution."""
        source = Path(execution["upload"]) if execution.get("upload") else None
        done: Row = execution.get("done") or {"offset": 0, "line": 0, "good": 0, "bad": 0}
        if (
            source is None
            or self.switches.profiles == "counted"
            or execution["document_type"] != "USER_PROFILE"
        ):
            done = {**done, "good": execution["lines"]}
        else:
            commands = Commands(self.store, self.switches, str(execution["datamart_id"]))
            with source.open("rb") as file:
                file.seek(done["offset"])
                while batch := list(zip(range(BATCH), file, strict=False)):
                    with self.store.transaction():
                        done = self._batch(execution, commands, [raw for _, raw in batch], done)
                        self.store.update("execution", execution["id"], {"done": done})
        self._end(execution, done)
        if source is not None:
            source.unlink(missing_ok=True)

    def _batch(self, execution: Row, commands: Commands, lines: list[bytes], done: Row) -> Row:
        good, bad = done["good"], done["bad"]
        for number, raw in enumerate(lines, done["line"] + 1):
            try:
                command = read_json(raw)
                if not self._vanishes(command, number, execution):
                    if isinstance(command, dict) and str(command.get("user_account_id")) in self.quarantined:
                        raise BadCommand(self.reason)  # noqa: TRY301 - as all the other reasons are
                    commands.apply(command)
                    good += 1
                elif execution.get("drop_share"):
                    good += 1
            except (ValueError, BadCommand) as e:
                bad += 1
                body = json.dumps({**self._said(number, raw), "error": str(e)[:200]})
                self.store.db.execute(
                    "INSERT INTO failures VALUES (?,?,?)", (int(execution["id"]), number, body)
                )
        offset = done["offset"] + sum(len(raw) for raw in lines)
        return {"offset": offset, "line": done["line"] + len(lines), "good": good, "bad": bad}

    def _vanishes(self, command: Any, number: int, execution: Row) -> bool:
        """The platform may drop a profile for lack of consent, without a word (contract 4.4)."""
        if isinstance(command, dict) and str(command.get("user_account_id")) in self.dropped:
            return True
        share = execution.get("drop_share") or 0.0
        return bool(share) and random.Random(number).random() < share  # noqa: S311 - a sample

    def _end(self, execution: Row, done: Row) -> None:
        end = int(time.time() * 1000)
        uri = f"mics://data_file/tenants/{execution['organisation_id']}/{execution['id']}"
        result = {
            "total_success": done["good"],
            "total_failure": done["bad"],
            "input_file_uri": f"{uri}_in.ndjson",
        }
        if execution.get("input_file_name"):
            result["input_file_name"] = execution["input_file_name"]
        changes: Row = {
            "status": self.switches.success_word,
            "duration": end - execution.get("start_date", end),
            "result": result,
            "completed_tasks": 1,
        }
        if done["bad"]:
            result["error_file_uri"] = f"{uri}_errors.ndjson"
            changes |= {"error": {"message": f"{done['bad']} lines could not be imported"}}
        self.store.update("execution", execution["id"], changes)

    def _said(self, number: int, raw: bytes) -> Row:
        """What an error file says of a line; its real format is unknown (contract 6.4)."""
        if self.switches.error_file == "numbers":
            return {"line": number}
        return {"input": raw.decode("utf-8", "replace")} if self.switches.error_file == "echo" else {}
