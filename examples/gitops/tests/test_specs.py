"""Our specs, on a sandbox that knows nothing but our datamarts: before the pull request, and again in its pipeline."""


def test_members_are_activated_and_loaded(reconcile, reconciler_sandbox):
    assert reconcile.plan().actions["Activation/members@shop-fr"] == "create"
    reconcile.apply()
    assert [c["token"] for c in reconciler_sandbox.compartments("4321")].count("members") == 1
    assert len(reconciler_sandbox.profiles("3101")) == 1200


def test_the_platform_may_show_what_was_written_late(reconcile, reconciler_sandbox):
    reconciler_sandbox.switch(lag_reads=2, total="without", page_cap=7)
    reconcile.converge()
    assert len(reconciler_sandbox.executions("3102")) == 2  # one chunk, and its seal
