"""Every setting of the platform, read once from the environment; docs/operate.md has them in a table."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

ENVIRONMENTS = ("development", "production", "test")
YES = {"1", "true", "yes", "on"}


class SettingsError(Exception):
    """A setting that cannot be right; the message names it and says what it may be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a city may choose. Names in the environment are the same in capitals."""

    maeul_env: str = "development"
    database_url: str = ""
    data_dir: Path = Path("data")
    secret_key: str = ""
    allow_sqlite: bool = False
    debug: bool = False
    city_name_en: str = "Haneul City"
    city_name_ko: str = "하늘시"
    city_country: str = "KR"
    city_zone: str = "Asia/Seoul"
    currency: str = "KRW"
    base_url: str = "http://127.0.0.1:8000"
    proxies: int = 0
    smtp_url: str = ""
    mail_from: str = "maeul@localhost"
    tile_url: str = ""
    source_url: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the environment, fill in what follows from it, and refuse what cannot be right."""
        values: dict[str, Any] = {
            field.name: _read(field.name, field.type, environment[field.name.upper()])
            for field in fields(cls)
            if environment.get(field.name.upper(), "") != ""
        }
        values.setdefault("base_url", f"http://{environment.get('BIND', '127.0.0.1')}:{environment.get('PORT', '8000')}")
        return cls(**values).completed().checked()

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
        """Refuse a setting that does not exist, and in production one that is not safe."""
        if self.maeul_env not in ENVIRONMENTS:
            raise SettingsError(f"MAEUL_ENV is {self.maeul_env!r}; it may be {', '.join(ENVIRONMENTS)}.")
        try:
            ZoneInfo(self.city_zone)
        except Exception as unknown:
            raise SettingsError(f"CITY_ZONE is {self.city_zone!r}; it must be a name such as Asia/Seoul.") from unknown
        if self.in_production:
            self._safe_for_production()
        return self

    def _safe_for_production(self) -> None:
        if len(self.secret_key) < 32:
            raise SettingsError("SECRET_KEY must be set in production, with at least 32 random characters.")
        if self.debug:
            raise SettingsError("DEBUG must be off in production.")
        if self.database_url.startswith("sqlite") and not self.allow_sqlite:
            raise SettingsError("Production runs on PostgreSQL. Set ALLOW_SQLITE=yes to run it on SQLite all the same.")
        if not self.base_url.startswith("https://"):
            raise SettingsError("BASE_URL must be the https:// address of the site in production.")
        if not self.smtp_url:
            raise SettingsError("SMTP_URL must be set in production, such as smtp://user:password@host:587.")

    @property
    def in_production(self) -> bool:
        """Whether people rely on this instance."""
        return self.maeul_env == "production"

    @property
    def secure(self) -> bool:
        """Whether pages come over https, so that cookies may insist on it."""
        return self.base_url.startswith("https://")

    def city_name(self, language: str) -> str:
        """The city's name in a language."""
        return self.city_name_ko if language == "ko" else self.city_name_en


def _read(name: str, kind: Any, value: str) -> Any:
    if kind is bool:
        return value.lower() in YES
    if kind is int:
        try:
            return int(value)
        except ValueError:
            raise SettingsError(f"{name.upper()} is {value!r}; it must be a whole number.") from None
    return Path(value) if kind is Path else value


def _kept_secret(file: Path) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text().strip()
    with os.fdopen(descriptor, "w") as new:
        new.write(secret := secrets.token_hex(32))
    return secret
