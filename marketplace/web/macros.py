"""GOV.UK component macros as globals of our strict templates."""

from jinja2 import ChainableUndefined, Environment, PackageLoader, PrefixLoader

PACKAGE = "govuk_frontend_jinja"


def install(environment: Environment) -> None:
    """Let every template call `govukButton({…})` and its siblings without an import.

    Ours fail on an unknown name; the components read parameters that nobody passed. So they live in an
    environment of their own and only the finished macros cross over.
    """
    library = Environment(
        loader=PrefixLoader({PACKAGE: PackageLoader(PACKAGE)}),
        autoescape=True,
        undefined=ChainableUndefined,
    )
    for path in library.list_templates(filter_func=lambda path: path.endswith("/macro.html")):
        for name, macro in vars(library.get_template(path).module).items():
            if name.startswith("govuk"):
                environment.globals[name] = macro
