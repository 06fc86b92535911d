"""What a city may set, and what stops the start."""

import multiprocessing
import re
import stat
from dataclasses import fields
from pathlib import Path

import pytest

from marketplace.settings import Settings, SettingsError

pytestmark = pytest.mark.no_database

OPERATE = Path(__file__).parent.parent / "docs" / "operate.md"
SAFE = {
    "MAEUL_ENV": "production",
    "SECRET_KEY": "k" * 32,
    "DATABASE_URL": "postgresql+psycopg://maeul@/maeul",
    "BASE_URL": "https://city.example.org",
    "SMTP_URL": "smtp://mail.example.org",
}


def read(folder: Path, **environment: str) -> Settings:
    return Settings.from_environment({"DATA_DIR": str(folder), **environment})


def test_production_starts_with_safe_values(tmp_path):
    settings = read(tmp_path, **SAFE)

    assert settings.in_production
    assert settings.secure


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("SECRET_KEY", "", "SECRET_KEY must be set in production, with at least 32 random characters."),
        ("SECRET_KEY", "k" * 31, "SECRET_KEY must be set in production, with at least 32 random characters."),
        ("DEBUG", "yes", "DEBUG must be off in production."),
        ("DATABASE_URL", "", "Set ALLOW_SQLITE=yes to run it on SQLite all the same."),
        ("DATABASE_URL", "sqlite:////srv/maeul.db", "Set ALLOW_SQLITE=yes to run it on SQLite all the same."),
        ("BASE_URL", "", "BASE_URL must be the https:// address of the site in production."),
        ("BASE_URL", "http://city.example.org", "BASE_URL must be the https:// address of the site in production."),
        ("WEBHOOKS_ANYWHERE", "yes", "webhooks stay out of your own network."),
        ("SMTP_URL", "", "SMTP_URL must be set in production, such as smtp://user:password@host:587."),
    ],
)
def test_production_refuses_an_unsafe_value_with_a_sentence(tmp_path, name, value, sentence):
    with pytest.raises(SettingsError) as refusal:
        read(tmp_path, **SAFE | {name: value})

    assert str(refusal.value).endswith(sentence)
    assert list(tmp_path.iterdir()) == []


def test_production_runs_on_sqlite_only_by_an_explicit_yes(tmp_path):
    assert read(tmp_path, **SAFE | {"DATABASE_URL": "", "ALLOW_SQLITE": "yes"}).database_url.startswith("sqlite:///")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAEUL_ENV", "prod"),
        ("PROXIES", "one"),
        ("PROXIES", "-1"),
        ("DEBUG", "perhaps"),
        ("ALLOW_SQLITE", "ja"),
        ("CITY_ZONE", "Asia/Haneul"),
        ("CITY_ZONE", "../etc/passwd"),
        ("CITY_COUNTRY", "XX"),
        ("CURRENCY", "WON"),
        ("BASE_URL", "city.example.org"),
        ("SMTP_URL", "mail.example.org:25"),
        ("MAIL_FROM", "the city"),
        ("MAIL_FROM", "city@example.org\nBcc: everyone@example.org"),
        ("DATABASE_URL", "mysql://city"),
        ("DATABASE_URL", "postgresql://city"),
        ("OIDC_ISSUER", "https://id.example.org"),
        ("STORAGE_URL", "/srv/files"),
        ("STORAGE_URL", "s3://Files!"),
        ("STORAGE_URL", "s3://files?endpoint=ftp://s3.example.org"),
        ("STORAGE_URL", "s3://files?secret=open"),
        ("TILE_URL", "tiles.example.org/{z}/{x}/{y}.png"),
        ("TILE_URL", "https://tiles.example.org; script-src *"),
        ("TILE_URL", "https://{s}.example.org/{z}/{x}/{y}.png"),
    ],
)
def test_an_impossible_value_is_named_and_leaves_nothing_behind(tmp_path, name, value):
    with pytest.raises(SettingsError, match=f"^{name} "):
        read(tmp_path, **{name: value})

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "issuer", ["id.example.org", "ftp://id.example.org", "https://id.example.org/?x", "https://a@b"]
)
def test_an_issuer_is_a_plain_address(tmp_path, issuer):
    with pytest.raises(SettingsError, match=r"^OIDC_ISSUER is"):
        read(tmp_path, OIDC_ISSUER=issuer, OIDC_CLIENT_ID="maeul", OIDC_CLIENT_SECRET="secret")


def test_production_trusts_no_issuer_without_https(tmp_path):
    oidc = {"OIDC_ISSUER": "http://id.example.org", "OIDC_CLIENT_ID": "maeul", "OIDC_CLIENT_SECRET": "secret"}
    assert read(tmp_path, **oidc).oidc_issuer == "http://id.example.org"
    with pytest.raises(SettingsError, match=r"^OIDC_ISSUER is"):
        read(tmp_path, **SAFE | oidc)


@pytest.mark.parametrize(
    "sender", ["city@example.org", "City of Haneul <city@example.org>", "하늘시 <city@example.org>"]
)
def test_the_sender_may_have_a_name(tmp_path, sender):
    assert read(tmp_path, MAIL_FROM=sender).mail_from == sender


def test_links_lead_to_where_the_program_listens(tmp_path):
    assert read(tmp_path).base_url == "http://127.0.0.1:8000"
    assert read(tmp_path, BIND="::1", PORT="8001").base_url == "http://[::1]:8001"


def test_an_empty_value_is_no_value(tmp_path):
    assert read(tmp_path, CITY_ZONE="", PROXIES="").city_zone == "Asia/Seoul"


def test_development_makes_a_secret_and_keeps_it_to_itself(tmp_path):
    first, second = read(tmp_path / "new"), read(tmp_path / "new")

    assert len(first.secret_key) == 64
    assert second.secret_key == first.secret_key
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["secret_key"]


def _tell_secret(folder, barrier, told):
    barrier.wait(20)
    told.put(read(folder).secret_key)


def test_processes_that_start_at_once_get_the_same_secret(tmp_path):
    fork = multiprocessing.get_context("fork")
    for turn in range(10):
        barrier, told = fork.Barrier(4), fork.SimpleQueue()
        processes = [fork.Process(target=_tell_secret, args=(tmp_path / str(turn), barrier, told)) for _ in range(4)]
        for process in processes:
            process.start()
        secrets = {told.get() for _ in processes}
        for process in processes:
            process.join()

        assert len(secrets) == 1
        assert len(secrets.pop()) == 64


def test_settings_cannot_be_changed_and_tell_each_language_its_city():
    settings = Settings()

    with pytest.raises(AttributeError):
        settings.debug = True  # type: ignore[misc]
    assert settings.city_name("ko") == "하늘시"
    assert settings.city_name("en") == "Haneul City"


def test_every_setting_stands_in_the_table_for_operators():
    rows = [line.split("|")[1] for line in OPERATE.read_text("utf-8").splitlines() if line.startswith("| `")]
    told = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}

    assert {field.name.upper() for field in fields(Settings)} - told == set()


@pytest.mark.parametrize(
    ("environment", "needed"),
    [
        ({}, False),
        ({"REQUIRE_SECOND_FACTOR": "yes"}, True),
        (SAFE, True),
        (SAFE | {"REQUIRE_SECOND_FACTOR": "no"}, False),
    ],
)
def test_staff_need_a_second_factor_in_production_unless_the_city_says_otherwise(tmp_path, environment, needed):
    assert read(tmp_path, **environment).staff_need_second_factor is needed
