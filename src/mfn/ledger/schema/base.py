"""The building blocks of the ledger's tables."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, DateTime, Dialect, LargeBinary, MetaData, Table, Text, TypeDecorator, and_
from sqlalchemy.orm import DeclarativeBase


class Utc(TypeDecorator[datetime]):
    """An aware datetime in UTC on both databases; SQLite keeps it as text without a zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """An aware time in the form that each database stores."""
        if value is None:
            return None
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's signature
        """The stored time, aware again."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


CLUSTERED = {"sqlite_with_rowid": False}
"""Rows are stored in the order of their key: for a table with many small rows, that is one B-tree less to write."""

CHANGED_SOON = {"postgresql_with": {"fillfactor": 50}}
"""Rows are rewritten within the run that made them: there is free space for that on the page, and no index changes."""


class Base(DeclarativeBase):
    """All of the ledger's tables."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: Utc(),
        str: Text(),  # a length would be one more way to fail, only on PostgreSQL
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
        bytes: LargeBinary(),
    }


def same_order(one: Any, other: Any) -> ColumnElement[bool]:
    """The condition that rows of two mapped classes are about the same order of the same connection."""
    return and_(one.connection == other.connection, one.order_id == other.order_id)


def table(model: type[Base]) -> Table:
    """The table of a mapped class."""
    return Base.metadata.tables[model.__tablename__]
