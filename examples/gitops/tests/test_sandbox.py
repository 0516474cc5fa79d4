"""The specs of this repository on a sandbox, whatever they declare: `pip install 'mics-reconciler[sandbox]' pytest`, then `pytest`."""


def test_a_plan_is_empty_once_it_was_applied(reconcile):
    reconcile.apply()
    assert reconcile.plan().is_empty


def test_they_get_there_on_a_flaky_friday_too(reconcile, reconciler_faults):
    reconciler_faults("flaky-friday")
    reconcile.converge()
