"""One ticket has leave at most once, whoever asks and however often; what was closed has none."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.bulk.upload.tickets import Tickets

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ask"), st.sampled_from("12"), st.sampled_from("abc"), st.booleans()),
        st.tuples(st.just("close"), st.sampled_from("12")),
    ),
    max_size=12,
)


@given(STEPS)
def test_leave_is_given_once_and_close_says_to_whom(steps: list[tuple[object, ...]]) -> None:
    allowing = True
    asked: list[str] = []

    def may_commit(name: str) -> bool:
        asked.append(name)
        return allowing

    tickets = Tickets(may_commit)
    for number in "12":
        tickets.issue(number, f"chunk {number}")
    given_to: dict[str, str] = {}
    closed: set[str] = set()
    for step in steps:
        match step:
            case ("ask", str(number), str(asker), bool(allowing)):
                expected = allowing and number not in given_to and number not in closed
                assert tickets.grant(number, asker) is expected
                if expected:
                    given_to[number] = asker
            case ("close", str(number)) if number not in closed:
                closed.add(number)
                assert tickets.close(number) == given_to.get(number)
    assert set(asked) <= {"chunk 1", "chunk 2"}


def test_a_ticket_that_was_never_issued_has_no_leave() -> None:
    assert not Tickets(lambda _: True).grant("1", "a")
