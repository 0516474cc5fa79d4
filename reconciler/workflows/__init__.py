"""One module per use case; the table of contents of this program.

The way of the data is the way of the tree:

    check      spec files -> documents -> rules -> `Desired`. Offline; no network, no ledger.
    validate   the same for every environment -> a `Verdict`, kept for an unchanged workspace.
    source_check  one source of `Desired`, read line by line -> counts and bad lines. No network, no ledger.
    plan       `Desired` + what the remote shows + what the sources hold -> `Plan`. GET only; no ledger.
    preflight  a `Plan` + what the remote shows now -> which actions are ready, done, or moved. GET only.
    apply      a `Plan` -> writes -> outcomes. The only stage that writes; holds the lock, keeps the journal.

A stage takes what the one before gives and nothing else: apply reads sources and the remote, never specs. Collaborators
(clock, client, ledger, progress) are handed in by `reconciler.cli.wiring`.
"""
