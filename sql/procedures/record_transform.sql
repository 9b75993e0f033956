-- etl.record_transform: notes that the curated layer and the audited metrics stand for a run.
-- Reads: raw.apartments, raw.apartment_attributes, raw.user_viewing, raw.bookings.
-- Writes: etl.runs, etl.row_counts, etl.changed_rows, etl.changed_days, etl.unverified_days.
create or replace procedure etl.record_transform(transformed_run varchar(128), as_of date)
as $$
begin
    delete from etl.changed_rows;
    insert into etl.unverified_days (fact, first_day, last_day)
    select fact, first_day, last_day from etl.changed_days
    except
    select fact, first_day, last_day from etl.unverified_days;
    delete from etl.changed_days;
    delete from etl.row_counts where run_id = transformed_run;
    insert into etl.row_counts (run_id, table_name, row_count)
    select transformed_run, 'apartments', count(*) from "raw".apartments
    union all
    select transformed_run, 'apartment_attributes', count(*) from "raw".apartment_attributes
    union all
    select transformed_run, 'user_viewing', count(*) from "raw".user_viewing
    union all
    select transformed_run, 'bookings', count(*) from "raw".bookings;
    delete from etl.runs where run_id = transformed_run;
    insert into etl.runs (run_id, run_date, transformed_at, published_at) values (transformed_run, as_of, getdate(), null);
end;
$$ language plpgsql;
