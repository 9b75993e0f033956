"""The tables of the benchmark: how many rows they have, and how they come into the database."""

import string
from dataclasses import dataclass
from pathlib import Path

from mariadb import DATABASE

TABLES_FOLDER = Path(__file__).parent / "tables"
# More than a row needs with its indexes, so that the pool holds all of them and room for the server's own.
BYTES_PER_ROW = {"bookings": 160, "apartment_attributes": 2600, "user_viewing": 170, "apartments": 300}
SMALLEST_POOL_MIB = 512


@dataclass(frozen=True)
class Table:
    name: str
    row_count: int
    # An integer column whose values are spread, by which readers may cut the table.
    key: str


def tables(scale):
    """All tables at a scale; 1 is the published one."""
    full = [
        Table("bookings", 5_000_000, "booking_id"),
        Table("apartment_attributes", 200_000, "id"),
        Table("user_viewing", 2_000_000, "user_id"),
        Table("apartments", 200_000, "id"),
    ]
    return [Table(table.name, max(int(table.row_count * scale), 1), table.key) for table in full]


def buffer_pool_mib(tables):
    needed = sum(table.row_count * BYTES_PER_ROW[table.name] for table in tables)
    return SMALLEST_POOL_MIB + needed // 2**20


def create(mariadb, table):
    """Makes and fills one table."""
    statements = string.Template((TABLES_FOLDER / f"{table.name}.sql").read_text())
    # Bookings and viewings name apartments, 1 for 25 bookings.
    values = {"rows": table.row_count, "apartments": max(table.row_count // 25, 1)}
    mariadb.query(f"use {DATABASE};\n{statements.substitute(values)}\nanalyze table {table.name};")
    rows = int(mariadb.query(f"select count(*) from {DATABASE}.{table.name}")[0][0])
    if rows != table.row_count:
        raise RuntimeError(f"table `{table.name}` has {rows} rows instead of {table.row_count}")
