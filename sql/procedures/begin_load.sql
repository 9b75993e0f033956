-- etl.begin_load: refuses to load a table of a run that is loaded, so that a load that is sent twice happens once.
-- The caller has locked etl.guard in the same transaction.
-- Reads: etl.ledger.
create or replace procedure etl.begin_load(loading_run varchar(128), loading_table varchar(64), loading_sha256 varchar(64))
as $$
declare
    loaded_sha256 varchar(64);
begin
    select into loaded_sha256 manifest_sha256 from etl.ledger where run_id = loading_run and table_name = loading_table;
    if loaded_sha256 = loading_sha256 then
        raise exception 'ALREADY_LOADED run % table %', loading_run, loading_table;
    end if;
    if loaded_sha256 is not null then
        raise exception 'MANIFEST_CHANGED run % table %: loaded with sha256 %, now %',
            loading_run, loading_table, loaded_sha256, loading_sha256;
    end if;
end;
$$ language plpgsql;
