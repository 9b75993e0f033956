"""Compares the rows of Parquet files as multisets; fails when they differ.

    compare.py THEIR_FILE KEY ROW_COUNT OUR_FILE...

Only columns that the source has are compared: extract-rds adds some of its own.
"""

import sys

import polars as pl

# Compared at a time: both sides are in memory, once as read and once sorted.
SLICE_ROWS = 1_000_000


def main():
    their_file, key, row_count, *our_files = sys.argv[1:]
    theirs, ours = pl.scan_parquet(their_file), pl.scan_parquet(our_files)
    their_schema, our_schema = theirs.collect_schema(), ours.collect_schema()
    absent = [name for name in their_schema if name not in our_schema]
    if absent:
        sys.exit(f"extract-rds did not write the columns {absent}")
    types = {name: common_type(name, our_schema[name], their_schema[name]) for name in their_schema}

    slice_count = int(row_count) // SLICE_ROWS + 1
    compared_rows = 0
    for number in range(slice_count):
        in_slice = pl.col(key) % slice_count == number
        left, right = (side.filter(in_slice).select(columns(types)).collect() for side in (ours, theirs))
        left, right = left.sort(left.columns), right.sort(right.columns)
        if not left.equals(right, null_equal=True):
            counts = f"{left.height} of extract-rds and {right.height} of the peer"
            sys.exit(f"rows differ, {counts}:\n{difference(left, right)}")
        compared_rows += left.height
    # Equal, but both without the rows that have no key.
    if compared_rows != int(row_count):
        sys.exit(f"{compared_rows} rows are equal, of {row_count}")


def common_type(name, ours, theirs):
    """The type that holds the values of both without loss, so that a cast hides no difference."""
    if ours == theirs:
        return ours
    if ours.is_integer() and theirs.is_integer():
        return pl.Int64
    # A flag: 0 or 1 for the peers. As a number a 2 would stay a 2.
    if ours == pl.Boolean and theirs.is_integer():
        return pl.Int64
    if ours.is_decimal() and theirs.is_decimal():
        return pl.Decimal(38, max(ours.scale, theirs.scale))
    if ours.is_decimal() and theirs.is_float():
        return pl.Float64
    if ours.is_temporal() and theirs.is_temporal():
        return pl.Datetime("ns")
    sys.exit(f"column `{name}` is {ours} of extract-rds and {theirs} of the peer, which have no common type")


def columns(types):
    return [pl.col(name).cast(common) for name, common in types.items()]


def difference(left, right):
    """The first rows that only one side has."""
    only_left = left.join(right, on=left.columns, how="anti", nulls_equal=True).head(3)
    only_right = right.join(left, on=left.columns, how="anti", nulls_equal=True).head(3)
    return f"only extract-rds: {only_left.rows()}\nonly the peer: {only_right.rows()}"


if __name__ == "__main__":
    main()
