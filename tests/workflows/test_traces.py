"""OpenTelemetry: the standard variables alone switch it on; a real receiver gets the spans, and nothing that is anybody's business."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from tests.support.emulator import Emulator
from tests.support.receiver import Receiver
from tests.support.workspace import TOKEN, Done, Workspace


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.close()


def run(workspace: Workspace, *args: str, program: Sequence[str] = ("-m", "reconciler"), **env: str) -> Done:
    """In a process of its own: what is sent at its end is sent."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("RECONCILER_", "OTEL_")) and k != "CI"}
    done = subprocess.run(
        [sys.executable, *program, "-C", str(workspace.root), *args],
        env={**kept, "RECONCILER_TOKEN": TOKEN, **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def test_a_receiver_gets_the_spans_of_an_apply(
    workspace: Workspace, emulator: Emulator, receiver: Receiver
) -> None:
    workspace.customers(60, max_bytes=4_000, mark="a-profile-value")
    emulator.quarantine("c000003")
    done = run(workspace, "apply", "--auto-approve", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url)
    assert done.code == 3, done
    spans = {s.span_id: s for s in receiver.spans()}
    assert len({s.trace_id for s in spans.values()}) == 1

    def parents(span: Any) -> list[str]:
        found = []
        while (span := spans.get(span.parent_span_id)) is not None:
            found.append(span.name)
        return found

    above = {s.name: parents(s) for s in spans.values()}
    assert above["reconciler apply"] == []
    assert above["plan"] == ["reconciler apply"]
    assert above["run"] == ["reconciler apply"]
    assert above["load"] == ["run", "reconciler apply"]
    assert above["chunk"] == ["load", "run", "reconciler apply"]
    upload = "POST /v1/datamarts/{id}/document_imports/{id}/executions"
    assert above[upload] == ["chunk", "load", "run", "reconciler apply"]
    chunks = [s for s in spans.values() if s.name == "chunk"]
    numbers = sorted(a.value.int_value for s in chunks for a in s.attributes if a.key == "reconciler.chunk")
    assert numbers == list(range(1, len(chunks) + 1))
    assert len(chunks) > 1
    (load,) = (s for s in spans.values() if s.name == "load")
    facts = {a.key: a.value for a in load.attributes}
    assert facts["reconciler.address"].string_value == "ProfileSource/customers@retail-fr"
    assert (facts["reconciler.rows.succeeded"].int_value, facts["reconciler.rows.failed"].int_value) == (
        59,
        1,
    )
    assert load.status.code == 2  # an error: it is partial
    sent = b"".join(receiver.bodies)
    for private in (TOKEN, TOKEN.removeprefix("api:"), "a-profile-value", "c000003", "1185", "/1509/"):
        assert private.encode() not in sent, private


def test_a_receiver_that_refuses_changes_nothing(
    workspace: Workspace, emulator: Emulator, receiver: Receiver
) -> None:
    receiver.status = 503
    done = run(workspace, "plan", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_EXPORTER_OTLP_TIMEOUT="1")
    assert (done.code, "Compartment/loyalty" in done.out) == (0, True), done
    assert done.err.count("traces could not be sent to the OpenTelemetry endpoint") == 1, done


# A program in which the library cannot be imported, and one that says what of it was.
WITHOUT = "import sys; sys.modules['opentelemetry.sdk'] = None; from reconciler.__main__ import main; main()"
SAYING = """\
import sys
from reconciler.__main__ import main
try:
    main()
finally:
    print("imported:", [m for m in sys.modules if m.startswith("opentelemetry")])
"""


def test_without_the_extra_one_line_says_what_is_missing(workspace: Workspace, emulator: Emulator) -> None:
    done = run(workspace, "plan", program=("-c", WITHOUT), OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:1")
    assert done.code == 0, done
    assert done.err.count("pip install 'mics-reconciler[otel]'") == 1, done


def test_no_variable_imports_nothing(workspace: Workspace, emulator: Emulator) -> None:
    done = run(workspace, "plan", program=("-c", SAYING))
    assert done.out.rstrip().endswith("imported: []"), done
