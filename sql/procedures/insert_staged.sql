-- etl.insert_staged: moves rows from a staging table into a raw table and stops the transaction unless they are exactly as many
-- as expected. Counted as they are inserted, so that nothing is read for it.
-- Writes: raw.*.
create or replace procedure etl.insert_staged(
    loading_run varchar(128), loading_table varchar(64), column_list varchar(4096), expected_count bigint
)
as $$
declare
    inserted bigint;
begin
    execute 'insert into "raw".' || quote_ident(loading_table) || ' (' || column_list || ', run_id) select ' || column_list
        || ', ' || quote_literal(loading_run) || ' from ' || quote_ident('staging_' || loading_table);
    get diagnostics inserted := row_count;
    if inserted <> expected_count then
        raise exception 'ROW_COUNT_DIFFERS raw.%: % rows of run %, expected %',
            loading_table, inserted, loading_run, expected_count;
    end if;
end;
$$ language plpgsql;
