"""Every setting of the platform, read once from the environment; docs/operate.md has them in a table."""

import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel.numbers import UnknownCurrencyError, validate_currency
from holidays import list_supported_countries

ENVIRONMENTS = ("development", "production", "test")
YES, NO = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}
DATABASES = ("sqlite:///", "postgresql+psycopg://")
MAILBOX = re.compile(r"([^<>\r\n]+ )?(<[^<>@\s]+@[^<>@\s]+>)|[^<>@\s]+@[^<>@\s]+")
VAULT_KEY = re.compile(r"[\w-]{1,10}:[0-9a-fA-F]{64}(,[\w-]{1,10}:[0-9a-fA-F]{64})*")
STORAGE = re.compile(r"s3://[a-z0-9.-]{3,63}(\?(&?(endpoint=https?://[\w.:/-]+|region=[\w-]+))+)?")
TILES = re.compile(r"https?://[\w.-]+(:\d+)?/[^\s;,]+")


class SettingsError(Exception):
    """A setting that cannot be right; the message names it and says what it may be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a city may choose. Names in the environment are the same in capitals."""

    maeul_env: str = "development"
    database_url: str = ""
    data_dir: Path = Path("data")
    secret_key: str = ""
    vault_key: str = ""
    allow_sqlite: bool = False
    debug: bool = False
    city_name_en: str = "Haneul City"
    city_name_ko: str = "하늘시"
    city_country: str = "KR"
    city_zone: str = "Asia/Seoul"
    currency: str = "KRW"
    base_url: str = "http://127.0.0.1:8000"
    proxies: int = 0
    require_second_factor: bool | None = None
    smtp_url: str = ""
    mail_from: str = "maeul@localhost"
    storage_url: str = ""
    tile_url: str = ""
    webhooks_anywhere: bool = False
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    oidc_name_en: str = "your city ID"
    oidc_name_ko: str = "시민 계정"
    oidc_second_factor: str = ""
    source_url: str = ""
    auto_hide_reports: int = 3
    insurance_fund: bool = False
    homeshare_pack: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment, fill in what follows from it, and refuse what cannot be right."""
        values: dict[str, Any] = {
            field.name: _read(field.name, field.type, environment[field.name.upper()])
            for field in fields(cls)
            if environment.get(field.name.upper(), "") != ""
        }
        host, port = environment.get("BIND", "127.0.0.1"), environment.get("PORT", "8000")
        values.setdefault("base_url", f"http://{f'[{host}]' if ':' in host else host}:{port}")
        return cls(**values).checked().completed()

    def completed(self) -> "Settings":
        """With a database file, and in development a secret of its own, kept in the data directory."""
        folder = self.data_dir.absolute()
        return replace(
            self,
            data_dir=folder,
            database_url=self.database_url or f"sqlite:///{folder / 'maeul.db'}",
            secret_key=self.secret_key or ("" if self.in_production else _kept_secret(folder / "secret_key")),
        )

    def checked(self) -> "Settings":
        """Refuse a setting that cannot be, and in production one that is not safe."""
        if self.maeul_env not in ENVIRONMENTS:
            raise SettingsError(f"MAEUL_ENV is {self.maeul_env!r}; it may be {', '.join(ENVIRONMENTS)}.")
        if self.database_url and not self.database_url.startswith(DATABASES):
            raise SettingsError(f"DATABASE_URL must begin with {' or '.join(DATABASES)}")
        try:
            ZoneInfo(self.city_zone)
        except Exception as unknown:
            raise SettingsError(f"CITY_ZONE is {self.city_zone!r}; it must be a name such as Asia/Seoul.") from unknown
        if self.city_country not in list_supported_countries():
            raise SettingsError(f"CITY_COUNTRY is {self.city_country!r}; no public holidays are known for it.")
        try:
            validate_currency(self.currency)
        except UnknownCurrencyError as unknown:
            raise SettingsError(f"CURRENCY is {self.currency!r}; it must be a code such as KRW.") from unknown
        if not self.base_url.startswith(("http://", "https://")):
            raise SettingsError(f"BASE_URL is {self.base_url!r}; it must begin with http:// or https://.")
        if self.proxies < 0:
            raise SettingsError(f"PROXIES is {self.proxies}; it must be 0 or more.")
        if self.auto_hide_reports < 0:
            raise SettingsError(f"AUTO_HIDE_REPORTS is {self.auto_hide_reports}; it must be 0 (never) or more.")
        if self.smtp_url and not self.smtp_url.startswith(("smtp://", "smtps://")):
            raise SettingsError("SMTP_URL must begin with smtp:// or smtps://.")
        if not MAILBOX.fullmatch(self.mail_from):
            raise SettingsError(f"MAIL_FROM is {self.mail_from!r}; it must be name@host or Name <name@host>.")
        if self.vault_key and not VAULT_KEY.fullmatch(self.vault_key):
            raise SettingsError(
                "VAULT_KEY must be name:key, the key 64 hexadecimal digits; several with commas between."
            )
        if self.storage_url and not STORAGE.fullmatch(self.storage_url):
            raise SettingsError("STORAGE_URL must be s3://bucket, perhaps with ?endpoint=https://…&region=… after it.")
        if self.tile_url and not TILES.fullmatch(self.tile_url):
            raise SettingsError(f"TILE_URL is {self.tile_url!r}; it must be https://host/path, with no wildcard host.")
        self._whole_oidc()
        if self.in_production:
            self._safe_for_production()
        return self

    def _whole_oidc(self) -> None:
        together = (self.oidc_issuer, self.oidc_client_id, self.oidc_client_secret)
        if any(together) and not all(together):
            raise SettingsError("OIDC_ISSUER needs OIDC_CLIENT_ID and OIDC_CLIENT_SECRET beside it, and they need it.")
        schemes = "https" if self.in_production else "https?"
        if self.oidc_issuer and not re.fullmatch(rf"{schemes}://[^\s?#@]+", self.oidc_issuer):
            raise SettingsError(
                f"OIDC_ISSUER is {self.oidc_issuer!r}; it must be the https:// address that the provider calls itself."
            )

    def _safe_for_production(self) -> None:
        if len(self.secret_key) < 32:
            raise SettingsError("SECRET_KEY must be set in production, with at least 32 random characters.")
        if self.debug:
            raise SettingsError("DEBUG must be off in production.")
        if not self.database_url.startswith("postgresql") and not self.allow_sqlite:
            raise SettingsError("Production runs on PostgreSQL. Set ALLOW_SQLITE=yes to run it on SQLite all the same.")
        if not self.base_url.startswith("https://"):
            raise SettingsError("BASE_URL must be the https:// address of the site in production.")
        if self.webhooks_anywhere:
            raise SettingsError("WEBHOOKS_ANYWHERE must be off in production: webhooks stay out of your own network.")
        if not self.smtp_url:
            raise SettingsError("SMTP_URL must be set in production, such as smtp://user:password@host:587.")

    @property
    def vault_keys(self) -> dict[str, bytes]:
        """The keys that lock single texts, by name, the newest first; without VAULT_KEY one derived from SECRET_KEY."""
        if not self.vault_key:
            return {"0": hashlib.sha256(b"vault\0" + self.secret_key.encode()).digest()}
        return {name: bytes.fromhex(key) for name, _, key in (one.partition(":") for one in self.vault_key.split(","))}

    @property
    def staff_need_second_factor(self) -> bool:
        """Whether whoever works for the city comes to staff pages only with a second factor."""
        return self.in_production if self.require_second_factor is None else self.require_second_factor

    @property
    def in_production(self) -> bool:
        """Whether people rely on this instance."""
        return self.maeul_env == "production"

    @property
    def secure(self) -> bool:
        """Whether pages come over https, so that cookies may insist on it."""
        return self.base_url.startswith("https://")

    def oidc_name(self, language: str) -> str:
        """What people call the identity provider, in a language."""
        return self.oidc_name_ko if language == "ko" else self.oidc_name_en

    def city_name(self, language: str) -> str:
        """The city's name in a language."""
        return self.city_name_ko if language == "ko" else self.city_name_en


def _read(name: str, kind: Any, value: str) -> Any:
    if kind in (bool, bool | None):
        if value.lower() not in YES | NO:
            raise SettingsError(f"{name.upper()} is {value!r}; it must be yes or no.")
        return value.lower() in YES
    if kind is int:
        try:
            return int(value)
        except ValueError:
            raise SettingsError(f"{name.upper()} is {value!r}; it must be a whole number.") from None
    return Path(value) if kind is Path else value


def _kept_secret(file: Path) -> str:
    """The secret in this file, which is whole from the moment it has its name: two that start at once share one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not file.exists():
        with tempfile.NamedTemporaryFile("w", dir=file.parent) as new:  # readable by its owner alone
            new.write(secrets.token_hex(32))
            new.flush()
            with suppress(FileExistsError):
                os.link(new.name, file)
    return file.read_text().strip()
