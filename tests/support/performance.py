"""docs/explanation/performance.md from the JSON of a run of the benchmarks. `.ci/performance` writes both."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.benchmarks import table

FOLDER = Path(__file__).parents[2] / "docs/explanation"
NUMBERS, PAGE = FOLDER / "performance.json", FOLDER / "performance.md"
# Title of each section, the benchmarks that it shows, and what is compared with what.
SECTIONS = {
    "Start and validation": (
        ("start", "validate"),
        "`validate` runs as a hook at every commit, so its start counts. One good file is compared with the time that Python needs to import "
        "typer and PyYAML, and with `pre-commit --version`. Many files are half compartments, half sources: `check-jsonschema` checks the same "
        "files with the same schema; `octodns-validate` checks as many files with one DNS record each. `unchanged` is a second run "
        "of the same workspace.",
    ),
    "Plans": (
        ("plan", "large-config", "large-loads"),
        "`plan` reads every listing to its end. So the limit is a program that fetches and decodes the same pages and does nothing else, with "
        "20 ms of latency a page. octoDNS plans as many unchanged records as there are compartments, YAML on both sides; its time is "
        "that of a processor, without its start. Plans of very many things are made once, without latency.",
    ),
    "Apply": (
        ("apply",),
        "Activations that do not depend on each other, against the sandbox with a latency for each request. The bare loop posts the same bodies "
        "with httpx, one client a thread, and does nothing else. The ideal is requests times latency, divided by the requests at once. `apply` notes each "
        "write in the ledger before and after it, and sees each in a listing before it ends.",
    ),
    "Loads": (
        ("check", "tables", "upload", "duplicates", "schema"),
        "Checking is reading, checking, digesting and cutting. DuckDB reads the same file with all processors. curl posts chunks that were "
        "cut before. Rates are of the commands that are sent, not of the file that is read.",
    ),
    "Delta loads": (
        ("delta",),
        "One row in a hundred changed. The time is that of reading the source and comparing it with the index of what was sent; it is compared "
        "with reading and checking alone.",
    ),
    "Memory": (
        ("memory",),
        "Memory of all processes of `apply`, pages that are shared counted once. It must not grow with the source.",
    ),
    "A Dask cluster": (
        ("dask",),
        "The same load by the local engine, by one worker process and by two; and by two of which one is killed every three seconds. All leave "
        "the same digests, and no chunk is sent twice. A worker has two threads and uses about 1.5 processors, so two of them on a machine "
        "of two processors share what one has nearly used; `of one processor` binds each worker to a processor, as on machines of their own.",
    ),
    "The sandbox": (
        ("sandbox",),
        "The other end of these measurements, against a socket that only reads.",
    ),
}  # fmt: skip


def page(found: Mapping[str, Any]) -> str:
    """The page of these results."""
    return "\n".join(_lines(found)) + "\n"


def merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Results in which some benchmarks were measured again; these say when, and at which commit, and the page as soon as all do."""
    keys = ("date", "commit", "changed", "size", "sizes", "machine")
    again = {b["name"]: {**b, "measured": {k: new[k] for k in keys}} for b in new["benchmarks"]}
    kept = [again.pop(b["name"], b) for b in old["benchmarks"]]
    every = [*kept, *again.values()]
    return {**(new if all("measured" in b for b in every) else old), "benchmarks": every}


def made() -> str:
    """The page of the results that are stored."""
    return page(json.loads(NUMBERS.read_text("utf-8")))


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    by_name = {b["name"]: b for b in found["benchmarks"]}
    yield "# Performance\n"
    yield (
        "Each number stands beside a peer, which is a program that people know, or a limit that no program can pass, both measured in the "
        "same run. So the ratio says more than the time: a faster machine makes both faster. `≤` and `≥` are aims for the ratio of ours to theirs.\n"
    )
    for sentence in table.notes(found):
        yield f"{sentence}\n"
    if found["machine"]["load"] > found["machine"]["cores"]:
        yield (
            "The machine was busy with other work: times of this run say little, and ratios not much more, since not all things wait alike. Counts, bytes and memory do.\n"
        )
    yield (
        "`.ci/performance` measures again and writes this page (an hour on a quiet machine of two cores; `.ci/performance --small` needs some "
        "minutes and is for a machine that is busy). `python -m tests.benchmarks --help` lists benchmarks and sizes.\n"
    )
    for title, (names, words) in SECTIONS.items():
        shown = [by_name[name] for name in names if name in by_name]
        if shown:
            yield f"## {title}\n\n{words}\n"
            yield table.rows_of_markdown(shown)
            for b in shown:
                if where := b.get("measured"):
                    yield f"`{b['name']}`: {table.provenance(where)}\n"
