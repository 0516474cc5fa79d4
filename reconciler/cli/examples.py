"""An example of each command, which its help ends with; a test reads each of them as the command line does."""

EXAMPLES = {
    "validate": "reconciler validate specs/compartments/loyalty.yaml",
    "plan": "reconciler plan --datamart country=fr --out change.plan",
    "drift": "reconciler drift --detailed-exitcode -o markdown",
    "watch": "reconciler watch --every 15m --listen 0.0.0.0:9464",
    "apply": "reconciler apply change.plan --events events.jsonl",
    "resume": "reconciler resume 12",
    "unlock": "reconciler unlock 3f2a9c",
    "clean": "reconciler clean --remove",
    "init": "reconciler init shop --from-platform --organisation-id 1185 --github",
    "demo": "reconciler demo",
    "doctor": "reconciler doctor --environment prod",
    "schema": "reconciler schema > reconciler.schema.json",
    "schema fetch": "reconciler schema fetch --datamart retail-fr",
    "explain": "reconciler explain ProfileSource.csv",
    "render": "reconciler render Compartment/loyalty",
    "export": "reconciler export --out specs/existing",
    "adopt": "reconciler adopt --write",
    "show": "reconciler show change.plan --details Compartment/loyalty",
    "diff": "reconciler diff yesterday.plan change.plan",
    "conformance": "reconciler conformance --organisation-id 1185 --datamart 1509",
    "sandbox serve": "reconciler sandbox serve --port 8080 --switch latency_seconds=0.2",
    "sandbox set": "reconciler sandbox set error_file=opaque --faults flaky-friday",
    "sandbox faults": "reconciler sandbox faults",
    "sandbox status": "reconciler sandbox status",
    "sandbox open": "reconciler sandbox open",
    "sandbox stop": "reconciler sandbox stop",
    "sandbox reset": "reconciler sandbox reset",
    "runs": "reconciler runs --since 7d --state failed",
    "runs show": "reconciler runs show 12 --inverse undo.plan",
    "runs resolve": "reconciler runs resolve ProfileSource/customers@retail-fr#3 --sent",
    "source check": "reconciler source check customers --show 5",
    "source preview": "reconciler source preview customers --line 17",
    "source diff": "reconciler source diff customers --sample 20",
    "source retry": "reconciler source retry customers --failed-lines",
    "source index": "reconciler source index customers --datamart retail-fr",
    "config show": "reconciler config show --origin",
    "rollout status": "reconciler rollout status --follow",
    "rollout pause": "reconciler rollout pause --why 'the shop is down'",
    "rollout resume": "reconciler rollout resume",
    "rollout abort": "reconciler rollout abort --why 'wrong segment' --inverse undo.plan",
}


def epilog(command: str) -> str | None:
    """The end of the help of a command, named without the program; None for a group that does nothing itself."""
    example = EXAMPLES.get(command)
    return None if example is None else f"\b\nExample:\n  {example}"
