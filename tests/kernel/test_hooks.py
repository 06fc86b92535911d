"""Questions that lower floors ask of upper ones."""

import pytest

from marketplace.kernel.hooks import Hook

pytestmark = pytest.mark.no_database


def test_everyone_who_registered_answers_in_order_and_nothing_is_no_answer():
    hook = Hook()
    hook.register(lambda number: number + 1)
    hook.register(lambda number: None)
    hook.register(lambda number: 0)

    assert hook.ask(1) == [2, 0]


def test_nobody_answers_a_question_nobody_knows():
    assert Hook().ask("anything", "else") == []


def test_registering_twice_answers_once_and_leaves_the_function_as_it_was():
    hook = Hook()

    @hook.register
    def twice(number: int) -> int:
        return number * 2

    hook.register(twice)

    assert hook.ask(2) == [4]
    assert twice(3) == 6
