-- etl.check_row_count: stops the transaction unless a relation holds exactly the expected number of rows.
create or replace procedure etl.check_row_count(relation_name varchar(256), expected_count bigint)
as $$
declare
    counted bigint;
begin
    execute 'select count(*) from ' || quote_ident(relation_name) into counted;
    if counted <> expected_count then
        raise exception 'ROW_COUNT_DIFFERS %: % rows, expected %', relation_name, counted, expected_count;
    end if;
end;
$$ language plpgsql;
