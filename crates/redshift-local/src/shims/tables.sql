-- ALTER TABLE … APPEND: moves all rows of one table into another with the same columns. `ignores_extra` leaves out columns that
-- the target lacks, `fills_target` leaves NULL or the default in those that the source lacks.
create or replace procedure redshift_local.append_table(target text, source text, ignores_extra boolean, fills_target boolean)
    language plpgsql as
    $$
    declare
        shared text;
        only_in_source text;
        only_in_target text;
    begin
        select
            string_agg(quote_ident(s.attname), ', ') filter (where t.attname is not null),
            string_agg(quote_ident(s.attname), ', ') filter (where t.attname is null),
            string_agg(quote_ident(t.attname), ', ') filter (where s.attname is null)
        into shared, only_in_source, only_in_target
        from (
            select attname, format_type(atttypid, atttypmod) as type
            from pg_attribute where attrelid = source::regclass and attnum > 0 and not attisdropped
        ) as s
        full join (
            select attname, format_type(atttypid, atttypmod) as type
            from pg_attribute where attrelid = target::regclass and attnum > 0 and not attisdropped
        ) as t using (attname, type);
        if only_in_source is not null and not ignores_extra then
            raise 'columns of % that % lacks or has otherwise: %', source, target, only_in_source
                using hint = 'write IGNOREEXTRA to leave them out';
        elsif only_in_target is not null and not fills_target then
            raise 'columns of % that % lacks or has otherwise: %', target, source, only_in_target
                using hint = 'write FILLTARGET to fill them with their defaults';
        end if;
        execute format('with moved as (delete from %s returning %s) insert into %s (%s) overriding system value select * from moved',
            source, shared, target, shared);
    end
    $$
