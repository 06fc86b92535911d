from collections.abc import Callable
from dataclasses import dataclass
from email import message_from_string, policy
from email.message import EmailMessage

import pytest

from marketplace.civic.notifications import models
from marketplace.civic.notifications.models import News, Topic
from marketplace.kernel.words import Text
from tests import factories

CHOIR = Topic("choir", Text("The choir"), Text("Rehearsals."))
DECISIONS = Topic("decisions", Text("Decisions"), Text("About you."), always=True)


@pytest.fixture
def news(monkeypatch: pytest.MonkeyPatch) -> Callable[..., News]:
    """Register a kind of news for the test only."""
    monkeypatch.setattr(models, "_news", dict(models._news))

    def make(name: str = "choir.sings", topic: Topic = CHOIR, title: object = "The choir sings", **more) -> News:
        return models.register(News(name, topic, lambda _thing, _facts: title, **more))

    return make


@pytest.fixture
def choir(news) -> str:
    """A kind of news that may be switched off; about an account, which leads to its page."""
    return news().name


@dataclass(frozen=True)
class Letter:
    """A letter as its reader gets it."""

    message: EmailMessage
    to: str
    subject: str
    text: str
    html: str


def read(raw: str) -> Letter:
    message = message_from_string(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    return Letter(message, message["To"], message["Subject"], text.get_content(), html.get_content())


@pytest.fixture
def mail(letters) -> Callable[[], list[Letter]]:
    """Do the waiting jobs; every letter written so far."""
    return lambda: [read(raw) for raw in letters()]


@pytest.fixture
def jiwoo():
    return factories.person("Jiwoo Park", "jiwoo@example.org")
