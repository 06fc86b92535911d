"""Maeul, a sharing-city platform: the Flask application."""

from importlib import import_module
from pathlib import Path

from flask import Flask
from flask.cli import AppGroup
from werkzeug.middleware.proxy_fix import ProxyFix

from marketplace.kernel import calendar, clock, credentials, db, jobs, limits, money, outward, storage, vault
from marketplace.settings import Settings
from marketplace.sharing.homeshare.models import programme
from marketplace.web import access, errors, i18n, logs, mailbox, once, pages, security

FEATURES = (
    "web",
    "civic.departments",
    "civic.places",
    "civic.accounts",
    "civic.factors",
    "civic.identity",
    "civic.uploads",
    "civic.notifications",
    "civic.webhooks",
    "civic.credits",
    "civic.groups",
    "civic.vouches",
    "civic.conversations",
    "civic.moderation",
    "civic.privacy",
    "sharing.spaces",
    "sharing.items",
    "sharing.homeshare",
    "portal.home",
    "portal.kits",
    "portal.desk",
    "portal.reference",
    "portal.demo",
)
DOORS = ("views", "staff", "api", "tasks", "commands")


def create_app(settings: Settings | None = None) -> Flask:
    """The application, wired: settings, database, ground, features."""
    settings = settings or Settings.from_environment()
    app = Flask(__name__, template_folder=str(pages.TEMPLATES))
    app.extensions["settings"] = settings
    app.debug = settings.debug
    clock.set_zone(settings.city_zone)
    calendar.set_country(settings.city_country)
    money.set_currency(settings.currency)
    credentials.set_secret(settings.secret_key.encode())
    credentials.set_city(settings.city_name_en, settings.city_name_ko)
    limits.set_secret(settings.secret_key.encode())
    vault.set_keys(settings.vault_keys)
    storage.use(storage.at(settings.storage_url, settings.data_dir / "files"))
    outward.set_anywhere(settings.webhooks_anywhere)
    if settings.homeshare_pack:
        programme.set_pack(Path(settings.homeshare_pack))
    logs.install(readable=not settings.in_production)
    app.extensions["engine"] = db.connect(settings.database_url)
    _lay_ground(app, settings)
    for feature in FEATURES:
        _open_doors(app, feature)
    access.check(app)
    return app


def _lay_ground(app: Flask, settings: Settings) -> None:
    if settings.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, settings.proxies, settings.proxies, settings.proxies)  # type: ignore[method-assign]
    pages.install(app)
    i18n.install(app)  # first to see a request, so that every refusal is in the reader's language
    security.install(app, settings)
    access.install(app)
    once.install(app)
    errors.install(app)
    mailbox.install(app, settings)
    jobs.set_surroundings(lambda: app.test_request_context(base_url=settings.base_url))


def _open_doors(app: Flask, feature: str) -> None:
    """Import the doors that a feature has; each may offer a blueprint `bp` or command groups.

    A door may be a package, whose modules are then doors themselves.
    """
    package = f"{__name__}.{feature}"
    folder = Path(str(import_module(package).__file__)).parent
    for door in DOORS:
        for file in (*folder.glob(f"{door}.py"), *sorted(folder.glob(f"{door}/[!_]*.py"))):
            module = import_module(".".join((package, *file.relative_to(folder).with_suffix("").parts)))
            if hasattr(module, "bp"):
                app.register_blueprint(module.bp)
            for group in vars(module).values():
                if isinstance(group, AppGroup):
                    app.cli.add_command(group)
