"""The periods that the search has left out so far."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLAlchemy reads the types when it runs

from sqlalchemy.orm import Mapped, mapped_column

from mfn.ledger.schema.base import CLUSTERED, Base


class SearchGap(Base):
    """A period that has yet to be searched, when no more urgent search needs the call; deleted once it has been."""

    __tablename__ = "search_gap"

    connection: Mapped[str] = mapped_column(primary_key=True)
    gap_id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # named, passed or backfill, see mfn.ledger.search_gaps
    after: Mapped[datetime]
    before: Mapped[datetime]
    page_token: Mapped[str | None]  # where its search continues
    page_token_at: Mapped[datetime | None]  # Amazon forgets a token after 24 hours
    noted_at: Mapped[datetime]

    __table_args__ = CLUSTERED
