-- etl.note_restatements: notes what etl.publish_metric left in moved_rows: rows of complete periods with the old and the new value
-- of each compared column. Values of periods that end before open_from are not applied.
-- Reads: moved_rows.  Writes: etl.metric_restatements.
create or replace procedure etl.note_restatements(
    metric_name varchar(128), publishing_run varchar(128), compared varchar(16384), change_reason varchar(1024), open_from date
)
as $$
declare
    position integer;
    place varchar(8);
    compared_column varchar(128);
begin
    position := 1;
    loop
        compared_column := split_part(compared, ',', position);
        exit when compared_column = '';
        place := position::varchar(8);
        -- Two stale ranges may hold the same period, and what one of them kept back the other one finds again.
        execute 'insert into etl.metric_restatements (metric, period_start, row_key, column_name, old_value, new_value, reason,'
            || ' run_id, is_applied, noted_at)'
            || ' select ' || quote_literal(metric_name) || ', moved_rows.period_start, moved_rows.row_key, '
            || quote_literal(compared_column) || ', moved_rows.old_' || place || ', moved_rows.new_' || place || ', '
            || quote_literal(change_reason) || ', ' || quote_literal(publishing_run)
            || ', moved_rows.period_end >= ' || quote_literal(open_from::varchar(10)) || ', getdate()'
            || ' from moved_rows left join etl.metric_restatements as known on known.metric = ' || quote_literal(metric_name)
            || ' and known.column_name = ' || quote_literal(compared_column) || ' and not known.is_applied'
            || ' and known.period_start = moved_rows.period_start and known.row_key = moved_rows.row_key'
            || ' where known.metric is null and nvl(moved_rows.old_' || place || ', '''') <> nvl(moved_rows.new_' || place || ', '''')';
        position := position + 1;
    end loop;
end;
$$ language plpgsql;
