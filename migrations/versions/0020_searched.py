"""Let a search of many things read them from narrow indexes."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

SEARCHED = [
    "owner_id", "library_id", "category", "fee", "longest_days", "notice_days", "horizon_days", "audience", "group_id",
    "pick_up_days", "pick_up_to", "cell", "district_id",
]  # fmt: skip


def upgrade() -> None:
    """Make the indexes."""
    op.create_index("ix_item_units_item_id_state_resource_id", "item_units", ["item_id", "state", "resource_id"])
    if op.get_bind().dialect.name == "postgresql":
        offered = sa.text("paused_at IS NULL AND hidden_at IS NULL AND withdrawn_at IS NULL")
        op.create_index("ix_items_offered", "items", ["id"], postgresql_include=SEARCHED, postgresql_where=offered)


def downgrade() -> None:
    """As before."""
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_items_offered", "items")
    op.drop_index("ix_item_units_item_id_state_resource_id", "item_units")
