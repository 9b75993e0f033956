"""Reads one table with one of the peers and writes it to one Parquet file; a process of its own for each measurement.

    peer.py METHOD TABLE KEY FILE

The database's URL is in SOURCE_URL. Parquet is written with zstd and otherwise with each library's defaults.
"""

import os
import sys


def main():
    method, table, key, path = sys.argv[1:]
    METHODS[method](os.environ["SOURCE_URL"], f"select * from {table}", key, path)


# Each method imports only what it needs, since imports are part of what is measured.


def connectorx_arrow(url, query, _key, path):
    import connectorx
    import pyarrow.parquet

    pyarrow.parquet.write_table(connectorx.read_sql(url, query, return_type="arrow"), path, compression="zstd")


def connectorx_stream(url, query, _key, path):
    import connectorx
    import pyarrow.parquet

    # A batch becomes a row group; the default of 10,000 rows would make them small.
    batches = connectorx.read_sql(url, query, return_type="arrow_stream", batch_size=128 * 1024)
    with pyarrow.parquet.ParquetWriter(path, batches.schema, compression="zstd") as writer:
        for batch in batches:
            writer.write_batch(batch)


def connectorx_partitioned(url, query, key, path):
    import connectorx
    import pyarrow.parquet

    table = connectorx.read_sql(url, query, return_type="arrow", partition_on=key, partition_num=os.cpu_count())
    pyarrow.parquet.write_table(table, path, compression="zstd")


def polars(url, query, _key, path):
    import polars

    polars.read_database_uri(query, url, engine="connectorx").write_parquet(path, compression="zstd")


METHODS = {
    "connectorx-arrow": connectorx_arrow,
    "connectorx-stream": connectorx_stream,
    "connectorx-partitioned": connectorx_partitioned,
    "polars": polars,
}

if __name__ == "__main__":
    main()
