"""GOV.UK component macros as globals of our strict templates."""

from pathlib import Path

from jinja2 import ChainableUndefined, Environment, FileSystemBytecodeCache, PackageLoader, PrefixLoader

PACKAGE = "govuk_frontend_jinja"


def install(environment: Environment, compiled: Path | None = None) -> None:
    """Let every template call `govukButton({…})` and its siblings without an import.

    Ours fail on an unknown name; the components read parameters that nobody passed. So they live in an
    environment of their own and only the finished macros cross over. To compile them takes a third of a second:
    they are kept in the folder `compiled`.
    """
    if compiled is not None:
        compiled.mkdir(parents=True, exist_ok=True)
    library = Environment(
        loader=PrefixLoader({PACKAGE: PackageLoader(PACKAGE)}),
        autoescape=True,
        undefined=ChainableUndefined,
        bytecode_cache=FileSystemBytecodeCache(str(compiled)) if compiled else None,
    )
    for path in library.list_templates(filter_func=lambda path: path.endswith("/macro.html")):
        for name, macro in vars(library.get_template(path).module).items():
            if name.startswith("govuk"):
                environment.globals[name] = macro
