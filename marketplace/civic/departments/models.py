"""Departments as they stand."""

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from marketplace.kernel import db, words


class Department(db.Base):
    """A part of the city's administration, known to other systems by its code."""

    __tablename__ = "departments"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(sa.String(20), unique=True)
    name_en: Mapped[str] = mapped_column(sa.String(120))
    name_ko: Mapped[str] = mapped_column(sa.String(120))

    @property
    def name(self) -> str:
        """The name in the current language."""
        return self.name_ko if words.language.get() == "ko" else self.name_en
