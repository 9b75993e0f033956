-- curated.end_versions: ends the open versions of listings that changed or vanished.
-- The relations share the columns apartment_id and content_fingerprint; only listings of changed_table are looked at. A version
-- that began on the run date is removed instead: of several runs on one date the last holds.
create or replace procedure curated.end_versions(
    versions_table varchar(64), current_table varchar(64), changed_table varchar(64), as_of date
)
as $$
declare
    is_stale varchar(1024);
begin
    is_stale := ' and apartment_id in (select apartment_id from ' || quote_ident(changed_table) || ')'
        || ' and not exists (select 1 from ' || quote_ident(current_table) || ' as listing'
        || ' where listing.apartment_id = ' || quote_ident(versions_table) || '.apartment_id'
        || ' and listing.content_fingerprint = ' || quote_ident(versions_table) || '.content_fingerprint)';
    execute 'delete from curated.' || quote_ident(versions_table)
        || ' where valid_to is null and valid_from >= ' || quote_literal(as_of::varchar(10)) || is_stale;
    execute 'update curated.' || quote_ident(versions_table)
        || ' set valid_to = ' || quote_literal(as_of::varchar(10)) || '::date where valid_to is null' || is_stale;
end;
$$ language plpgsql;
