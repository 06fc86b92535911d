"""Have words that are no longer found leave SQLite's search index at once."""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    """Forget thoroughly from now on, and what was forgotten until now."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO search_words (search_words, rank) VALUES ('secure-delete', 1)")
        op.execute("INSERT INTO search_words (search_words) VALUES ('rebuild')")


def downgrade() -> None:
    """As before."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("INSERT INTO search_words (search_words, rank) VALUES ('secure-delete', 0)")
