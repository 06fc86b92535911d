"""The stage of the journeys: Maeul as it is served, its job worker, and visitors who look hard at every page."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import icalendar
import pytest
import sqlalchemy as sa
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIResponse, Browser, ConsoleMessage, Locator, Page, Request, Response, sync_playwright

from marketplace.kernel import clock, db, words
from marketplace.portal.demo.queries import DOMAIN, PASSWORD

ROOT = Path(__file__).parents[2]
SWITCHES = (
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--no-first-run", "--lang=en-US",
)  # fmt: skip
PATIENCE = 15_000
"""Milliseconds; a letter or a page that takes longer does not come."""

AXE = {
    "resultTypes": ["violations"],
    "preload": False,
    "rules": {"color-contrast-enhanced": {"enabled": True}, "target-size": {"enabled": True}},
}
EXAMINED: set[tuple[str, str, str]] = set()
"""Pages that axe has seen, by title, language and window: it takes a second for each."""

SENTENCES_LEFT = r"""typed => {
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  const left = [];
  for (let node; (node = walker.nextNode());) {
    if (node.parentElement.closest('script, style, noscript, code, blockquote, [lang="en"], [lang="fr"]')) continue;
    left.push(node.data);
  }
  for (const named of document.querySelectorAll("[aria-label], [title], [alt], [placeholder]"))
    for (const name of ["aria-label", "title", "alt", "placeholder"]) left.push(named.getAttribute(name) || "");
  return left.map(text => typed.reduce((rest, own) => rest.replace(own, ""), text).replace(/\S+@\S+|https?:\S+/g, ""))
    .filter(text => /[A-Za-z]{2,}(\s+[A-Za-z']+){2,}/.test(text));
}"""
WRITTEN = [
    ("purpose", "bookings"), ("about", "groups"), ("message", "group_requests"), ("text", "messages"),
    ("note", "moderation_reports"), ("title", "items"), ("description", "items"), ("rules", "items"),
    ("pick_up_note", "items"), ("name", "item_accessories"), ("message", "loans"), ("reason", "loans"),
    ("remark", "handovers"), ("good", "loan_reviews"), ("bad", "loan_reviews"), ("reply", "loan_reviews"),
]  # fmt: skip
"""Where the people of the city wrote something, each in their own language."""

TELL_OF_VIOLATIONS = """addEventListener("securitypolicyviolation",
  ({ violatedDirective, blockedURI }) => console.error(`policy: ${violatedDirective} ${blockedURI}`))"""
WIDER_THAN_THE_WINDOW = """() => document.documentElement.scrollWidth <= innerWidth ? [] :
  [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .map(e => e.outerHTML.slice(0, 120))"""


@pytest.fixture(autouse=True)
def database() -> None:
    """These tests reach the database through pages only."""


@pytest.fixture(autouse=True)
def monday() -> None:
    """The clock goes."""


# --- the city ---


def surroundings(folder: Path, port: int = 8000) -> dict[str, str]:
    """The environment of a city that keeps everything in a folder."""
    own = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
    own |= {"DATA_DIR": str(folder), "PORT": str(port), "WORKERS": "1", "SECRET_KEY": "for journeys only " * 3}
    return own | {"INSURANCE_FUND": "yes"}


@dataclass
class City:
    """Maeul, served at an address of its own from data of its own."""

    address: str
    folder: Path
    typed: list[str] = field(default_factory=list)
    """What its people wrote, each in their own language."""

    def __post_init__(self) -> None:
        told = " UNION ".join(f"SELECT {column} AS said FROM {table}" for column, table in WRITTEN)
        longest_first = f"SELECT said FROM ({told}) WHERE said != '' ORDER BY length(said) DESC"
        self.typed = json.loads(self.ask(f"SELECT json_group_array(said) FROM ({longest_first})"))

    def letters(self) -> list[Path]:
        """Every letter written so far, oldest first."""
        return sorted((self.folder / "mailbox").glob("*.eml"))

    def letters_to(self, email: str, after: int = 0) -> list[str]:
        """The subjects of the letters someone got, oldest first, the first so many letters of the city left out."""
        files = self.letters()[after:]
        letters = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        return [str(letter["Subject"]).strip() for letter in letters if letter["To"] == email]

    def ask(self, statement: str | sa.Executable) -> Any:
        """The first value that the database answers."""
        engine = db.make_engine(f"sqlite:///{self.folder / 'maeul.db'}")
        with engine.connect().execution_options(read_only=True) as connection:
            value = connection.execute(sa.text(statement) if isinstance(statement, str) else statement).scalar()
        engine.dispose()
        return value

    def change(self, statement: sa.Executable) -> None:
        """Change the database behind the city's back: time passes, for instance."""
        engine = db.make_engine(f"sqlite:///{self.folder / 'maeul.db'}")
        with engine.begin() as connection:
            connection.execute(statement)
        engine.dispose()


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data of the small demo city, to copy."""
    folder = tmp_path_factory.mktemp("seeded")
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "prepare", "--seed", "small"]
    subprocess.run(command, cwd=ROOT, env=surroundings(folder), check=True, capture_output=True)
    return folder


def free_port() -> int:
    """A port nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def host() -> str:
    """By what name the city is reached; a file whose stories need another one says so."""
    return "127.0.0.1"


@pytest.fixture(scope="module")
def city(seeded: Path, tmp_path_factory: pytest.TempPathFactory, host: str) -> Iterator[City]:
    """A demo city for the stories of one file, served as ./run serves it."""
    folder, port = tmp_path_factory.mktemp("city") / "data", free_port()
    address = f"http://{host}:{port}"
    shutil.copytree(seeded, folder)
    served = ("gunicorn", "--config", "python:marketplace.web.serving", "wsgi:app")
    worked = ("flask", "--app", "wsgi", "jobs", "work")
    log = folder / "log.txt"
    with log.open("w") as out:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env=surroundings(folder, port) | {"BASE_URL": address},
                stdout=out,
                stderr=out,
            )
            for command in (served, worked)
        ]
    try:
        _wait_for(port, processes[0], log)
        yield City(address, folder)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(20)
    complaints = [line for line in log.read_text().splitlines() if re.search(r"\[error|Traceback|CRITICAL", line)]
    assert complaints == [], log.read_text()


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(f"The web server does not answer.\n{log.read_text()}")


# --- visitors ---


@dataclass
class Visitor:
    """Someone at the site who looks at every page they come to; words are looked for in their language."""

    city: City
    page: Page
    language: str
    scripts: bool
    email: str = ""
    troubles: list[str] = field(default_factory=list)
    letters_before: int = 0
    """How many letters the city had written when the visitor came: those of earlier stories."""

    def __post_init__(self) -> None:
        self.letters_before = len(self.city.letters())

    def word(self, message: str, **parts: object) -> str:
        """What a message of the program reads in the visitor's language."""
        with words.speaking(self.language):
            return words._(message, **parts)

    # what a visitor does

    def go(self, path: str) -> None:
        """Type an address."""
        self.page.goto(path)
        self.look()

    def fetch(self, address: str) -> APIResponse:
        """What a program gets at an address; asked again if the server was just hanging up an idle connection."""
        return self.page.request.get(address, max_retries=3)

    def follow(self, message: str, within: Locator | None = None, **parts: object) -> None:
        """Follow the first link of this name."""
        self.click((within or self.page).get_by_role("link", name=self.word(message, **parts), exact=True).first)

    def press(self, message: str, **parts: object) -> None:
        """Press a button of this name."""
        self.click(self.page.get_by_role("button", name=self.word(message, **parts), exact=True).first)

    def click(self, what: Locator) -> None:
        """Go where something leads."""
        with self.page.expect_navigation():
            what.click()
        self.look()

    def field(self, message: str) -> Locator:
        """The field with this label."""
        return self.page.get_by_label(self.word(message), exact=True)

    def switch_to(self, language: str) -> None:
        """Choose the other language."""
        self.language = language
        self.click(self.page.get_by_role("link", name=words.LANGUAGES[language], exact=True))

    def reads(self, message: str, **parts: object) -> None:
        """The page says this."""
        text = self.word(message, **parts)
        assert text in self.page.locator("body").inner_text(), f"{self.page.url} does not say {text!r}"

    def times(self, day: date | None = None, from_hour: int = 0) -> Locator:
        """The free times on the page, of one day and from an hour on."""
        free = self.page.locator("input[name=start]")
        if day is None:
            return free
        values = [str(value) for value in free.evaluate_all("all => all.map(one => one.value)")]
        moments = {value: clock.local(datetime.fromisoformat(value)) for value in values}
        wanted = [value for value, at in moments.items() if at.date() == day and at.hour >= from_hour]
        assert wanted, f"{self.page.url}: no free time on {day} from {from_hour}:00"
        return self.page.locator(", ".join(f'input[value="{value}"]' for value in wanted))

    def choose(self, time: Locator) -> str:
        """Choose a free time as a finger does: by its label; gives the moment."""
        self.page.locator(f"label[for='{time.get_attribute('id')}']").click()
        assert time.is_checked()
        return str(time.input_value())

    def sign_in(self, who: str) -> None:
        """Sign in as someone of the demo city."""
        self.email = f"{who}@{DOMAIN}"
        self.go(f"/sign-in?language={self.language}")
        self.field("E-mail address").fill(self.email)
        self.field("Password").fill(PASSWORD)
        self.press("Sign in")

    def register(self, name: str, email: str, password: str = "three tall herons") -> None:
        """Fill in the form of a new account."""
        self.email = email
        self.field("Name").fill(name)
        self.field("E-mail address").fill(email)
        self.field("Password").fill(password)
        self.press("Register")

    # what a visitor gets

    def open_letter(self, subject: str) -> None:
        """Wait for the letter, and open it in the mailbox."""
        wanted = like(subject)
        until = time.monotonic() + PATIENCE / 1000
        while not (
            found := [name for name in self.city.letters_to(self.email, self.letters_before) if wanted.fullmatch(name)]
        ):
            assert time.monotonic() < until, f"no letter to {self.email} like {wanted.pattern}"
            time.sleep(0.2)
        self.go("/dev/mailbox")
        self.click(self.page.get_by_role("link", name=found[-1], exact=True).first)

    def confirm_address(self) -> None:
        """Follow the link of the letter that comes after registering."""
        self.open_letter("Confirm your e-mail address")
        self.click(self.page.locator(".letter a"))
        self.press("Yes, this is my address")
        self.reads("Your e-mail address is confirmed.")

    def enclosed(self) -> icalendar.Event:
        """The calendar entry that came with the open letter."""
        link = self.page.locator("main a[href*='/dev/mailbox/'][href$='/0']")
        answer = self.fetch(self.city.address + str(link.get_attribute("href")))
        assert answer.headers["content-type"].startswith("text/calendar")
        return event_of(answer.body())

    # what a visitor must not meet

    def look(self) -> None:
        """The page is in one language, fits, and neither axe nor the browser finds fault with it."""
        page = self.page
        found = list(self.troubles)
        self.troubles.clear()
        if (spoken := page.locator("html").get_attribute("lang")) != self.language:
            found.append(f"the page is marked {spoken}, not {self.language}")
        found += [f"wider than the window: {what}" for what in page.evaluate(WIDER_THAN_THE_WINDOW)]
        if self.language == "ko":
            left = page.evaluate(SENTENCES_LEFT, self.city.typed)
            found += [f"not in Korean: {text.strip()}" for text in left]
        if self.scripts and (seen := (page.title(), self.language, str(page.viewport_size))) not in EXAMINED:
            EXAMINED.add(seen)
            found += [
                f"axe: {finding['id']}: {node['html'][:300]} ({node['failureSummary']})"
                for finding in Axe().run(page, options=AXE).response["violations"]
                for node in finding["nodes"]
            ]
        assert not found, f"{page.url} ({page.viewport_size}):\n" + "\n".join(found)

    def listen(self) -> None:
        """Take down what the browser complains of, and what is asked of anyone but the city."""

        def said(message: ConsoleMessage) -> None:
            if message.type == "error" and "Failed to load resource" not in message.text:
                self.troubles.append(f"console: {message.text}")

        def asked(request: Request) -> None:
            if urlsplit(request.url).scheme not in ("data", "blob") and not request.url.startswith(self.city.address):
                self.troubles.append(f"asks another site: {request.url}")

        def answered(response: Response) -> None:
            page_itself = response.request.resource_type == "document"
            if response.status >= (500 if page_itself else 400):
                self.troubles.append(f"{response.status}: {response.url}")

        self.page.on("console", said)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        self.page.context.on("request", asked)
        self.page.on("response", answered)
        self.page.add_init_script(TELL_OF_VIOLATIONS)


def like(message: str) -> re.Pattern[str]:
    """Any text, in any language, that a message with parts may become."""
    spoken = []
    for language in words.LANGUAGES:
        with words.speaking(language):
            spoken.append(re.sub(r"\\\{\w+\\\}", ".+", re.escape(words._(message))))
    return re.compile("|".join(spoken))


def event_of(file: bytes) -> icalendar.Event:
    """The one entry of a calendar file."""
    (event,) = icalendar.Calendar.from_ical(file).walk("VEVENT")
    assert isinstance(event, icalendar.Event)
    return event


def chromium() -> str:
    """The browser's program; without it the journeys are skipped, or fail where everything is required."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("TEST_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        leave = pytest.fail if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip
        leave("Chromium is missing: sudo apt-get install chromium fontconfig fonts-noto-cjk")
    return str(found)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, without a window."""
    program = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=program, args=list(SWITCHES))
        yield launched
        launched.close()


@pytest.fixture
def visitor(browser: Browser, city: City) -> Iterator[Callable[..., Visitor]]:
    """Visitors, each with a browser of their own: language, scripts or not, width of the window."""
    contexts = []

    def come(language: str = "en", *, scripts: bool = True, width: int = 1280) -> Visitor:
        context = browser.new_context(
            base_url=city.address,
            locale={"en": "en-GB", "ko": "ko-KR"}[language],
            timezone_id="Asia/Seoul",
            java_script_enabled=scripts,
            viewport={"width": width, "height": 900 if width > 640 else 640},
            reduced_motion="reduce",  # nobody waits for scrolling
            has_touch=width < 640,
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        made = Visitor(city, context.new_page(), language, scripts)
        made.listen()
        return made

    yield come
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def saturday() -> date:
    """A Saturday that is near, but not so near that a booking could no longer be changed."""
    soon = clock.today() + timedelta(days=3)
    return soon + timedelta(days=(5 - soon.weekday()) % 7)
