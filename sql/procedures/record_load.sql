-- etl.record_load: writes the ledger's row for a loaded table.
-- Writes: etl.ledger.
create or replace procedure etl.record_load(
    loading_run varchar(128),
    loading_table varchar(64),
    loading_sequence bigint,
    loading_run_date date,
    loading_snapshot_at timestamp,
    loading_manifest_key varchar(1024),
    loading_sha256 varchar(64),
    loading_chunk_count bigint,
    loading_file_count bigint,
    loading_expected_rows bigint,
    loading_quarantined_rows bigint
)
as $$
begin
    insert into etl.ledger (
        run_id, table_name, manifest_sequence, run_date, snapshot_at, manifest_key, manifest_sha256,
        chunk_count, file_count, expected_rows, quarantined_rows
    )
    values (
        loading_run, loading_table, loading_sequence, loading_run_date, loading_snapshot_at, loading_manifest_key,
        loading_sha256, loading_chunk_count, loading_file_count, loading_expected_rows, loading_quarantined_rows
    );
end;
$$ language plpgsql;
