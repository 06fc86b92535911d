"""What stands in the logs of a production instance, and what never may."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from marketplace.web import logs

ROOT = Path(__file__).parent.parent.parent
PROGRAM = """
import sqlalchemy as sa
import structlog
from marketplace import create_app
from marketplace.civic.accounts.models import Person
from marketplace.kernel import db
from marketplace.web.access import public
from tests.web import stage

app = stage.build(create_app())

@app.get("/try/person/<secret>")
@public
def person(secret):
    for _ in range(2):
        db.session.add(Person(name="CANARY-name", email="CANARY@example.org", password_hash="CANARY-hash", grants=[]))
    db.session.execute(sa.text("SELECT :given FROM nowhere"), {"given": "CANARY-parameter"})

@app.get("/try/chain/<secret>")
@public
def chain(secret):
    try:
        raise KeyError("CANARY-inner")
    except KeyError as inner:
        raise RuntimeError("CANARY-outer") from inner

@app.get("/try/large")
@public
def large():
    raise OverflowError("CANARY-number")

client = app.test_client()
secret = {"headers": {"Authorization": "Bearer CANARY-token", "Cookie": "maeul=CANARY-cookie", "Referer": "x?CANARY"}}
for path in ("/try/person/CANARY-link", "/try/chain/CANARY-link?q=CANARY-query", "/try/large"):
    answer = client.get(path, base_url="https://city.example.org", **secret)
    inside = answer.text.replace("CANARY-link", "").replace("CANARY-query", "")  # a page may name its own address
    print(answer.status_code, answer.headers["X-Request-Id"], "CANARY" in inside)
secrets = dict(password="CANARY", Email="CANARY@example.org", token="CANARY", csrf_token="CANARY")
structlog.get_logger().info("tried", **secrets, person=3)
"""


@pytest.fixture
def run(live_database, tmp_path):
    """What a production instance answered, and what it wrote to its log."""
    environment = {
        **os.environ, "MAEUL_ENV": "production", "SECRET_KEY": "CANARY" * 8, "DATABASE_URL": live_database,
        "DATA_DIR": str(tmp_path), "ALLOW_SQLITE": "yes", "BASE_URL": "https://city.example.org",
        "SMTP_URL": "smtp://CANARY:CANARY@localhost:9", "PYTHONPATH": str(ROOT),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1], done.stderr.split("\n")[:-1]


def test_each_failure_is_a_line_of_json_with_the_number_the_visitor_got_and_no_secret(run):
    answers, lines = run
    events = [json.loads(line) for line in lines]

    assert [answer.split()[0] for answer in answers] == ["500", "500", "400"]
    assert [answer.split()[2] for answer in answers] == ["False"] * 3
    assert [event["request_id"] for event in events[:3]] == [answer.split()[1] for answer in answers]
    assert [event["event"] for event in events] == ["failed", "failed", "unreadable", "tried"]
    assert [event["route"] for event in events[:2]] == ["/try/person/<secret>", "/try/chain/<secret>"]
    assert "KeyError" in events[1]["exception"]
    assert "RuntimeError" in events[1]["exception"]
    assert "in chain" in events[1]["exception"]
    assert events[3]["password"] == events[3]["Email"] == events[3]["token"] == "[left out]"
    assert events[3]["person"] == 3
    assert "CANARY" not in "".join(lines)


@pytest.mark.no_database
def test_words_that_name_a_secret_are_left_out_whatever_their_case():
    event = {"Password": 1, "EMAIL": 2, "authorization": 3, "cookie": 4, "path": 5}

    assert logs._without_secrets(None, "info", event) == dict.fromkeys(list(event)[:4], "[left out]") | {"path": 5}
