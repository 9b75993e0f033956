-- etl.begin_publish: refuses to publish a run when the curated layer and the audited metrics stand for another one, which nobody
-- verified.
-- The caller has locked etl.guard in the same transaction.
-- Reads: curated.run_context.
create or replace procedure etl.begin_publish(publishing_run varchar(128))
as $$
declare
    standing_run varchar(128);
begin
    select into standing_run max(run_id) from curated.run_context;
    if nvl(standing_run, '') <> publishing_run then
        raise exception 'SUPERSEDED run %: run % was transformed after it was verified', publishing_run, standing_run;
    end if;
end;
$$ language plpgsql;
