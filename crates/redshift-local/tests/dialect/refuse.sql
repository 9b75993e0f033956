-- Redshift refuses each of these; behind => stands the construct that the refusal must name.
-- case: on_conflict => ON CONFLICT
insert into s.t (id) values (1) on conflict (id) do nothing
;;
-- case: returning => RETURNING
update s.t set v = 2 where id = 1 returning v
;;
-- case: filter => FILTER
select count(*) filter (where v > 1) from s.t
;;
-- case: distinct_on => DISTINCT ON
select distinct on (id) id, v from s.t order by id, v desc
;;
-- case: lateral_subquery => LATERAL
select t.id, top_v.v from s.t, lateral (select v from s.u where u.id = t.id) as top_v
;;
-- case: lateral_name => LATERAL
select t.id from s.t join lateral unnested on true
;;
-- case: array_constructor => ARRAY
select array[1, 2]
;;
-- case: empty_array => array type
select '{}'::int[]
;;
-- case: array_column => array type
create table s.x (tags varchar(10)[])
;;
-- case: is_distinct_from => IS DISTINCT FROM
select id from s.t where a is distinct from b
;;
-- case: is_not_distinct_from => IS NOT DISTINCT FROM
select id from s.t where a is not distinct from b
;;
-- case: any_of_array => ANY (array)
select id from s.t where id = any (ids)
;;
-- case: for_update => FOR UPDATE
select id from s.t where id = 1 for update
;;
-- case: for_share => FOR SHARE
select id from s.t for share nowait
;;
-- case: for_no_key_update => FOR NO KEY UPDATE
select id from s.t for no key update
;;
-- case: for_key_share => FOR KEY SHARE
select id from s.t for key share
;;
-- case: tablesample => TABLESAMPLE
select id from s.t tablesample system (10)
;;
-- case: fetch_first => FETCH FIRST
select id from s.t order by id fetch first 3 rows only
;;
-- case: fetch_next => FETCH NEXT
select id from s.t order by id fetch next row only
;;
-- case: with_ties => WITH TIES
select id from s.t order by id limit 3 with ties
;;
-- case: with_ordinality => WITH ORDINALITY
select x from s.f() with ordinality as g (x, n)
;;
-- case: except_all => EXCEPT ALL
select id from s.t except all select id from s.u
;;
-- case: intersect_all => INTERSECT ALL
select id from s.t intersect all select id from s.u
;;
-- case: minus_all => MINUS ALL
select id from s.t minus all select id from s.u
;;
-- case: as_materialized => AS MATERIALIZED
with a as materialized (select 1 as n) select n from a
;;
-- case: as_not_materialized => AS NOT MATERIALIZED
with a as not materialized (select 1 as n) select n from a
;;
-- case: writing_with => data-modifying WITH
with gone as (delete from s.t where id = 1) select 1
;;
-- case: inserting_with => data-modifying WITH
with added as (insert into s.t values (1)) select 1
;;
-- case: updating_with => data-modifying WITH
with changed as (update s.t set v = 1) select 1
;;
-- case: json_arrow => ->
select payload -> 'a' from s.t
;;
-- case: json_text_arrow => ->>
select payload ->> 'a' from s.t
;;
-- case: json_path => #>
select payload #> path from s.t
;;
-- case: json_text_path => #>>
select payload #>> path from s.t
;;
-- case: contains => @>
select id from s.t where a @> b
;;
-- case: contained => <@
select id from s.t where a <@ b
;;
-- case: has_key => ?
select id from s.t where a ? 'k'
;;
-- case: overlaps => &&
select id from s.t where a && b
;;
-- case: text_search => @@
select id from s.t where a @@ b
;;
-- case: named_argument => =>
call s.p(run => 'x')
;;
-- case: overriding => OVERRIDING
insert into s.t (id) overriding system value values (1)
;;
-- case: on_commit => ON COMMIT
create temp table x (id int) on commit drop
;;
-- case: inherits => INHERITS
create table s.x (id int) inherits (s.t)
;;
-- case: partition_by_range => PARTITION BY
create table s.x (d date) partition by range (d)
;;
-- case: partition_by_list => PARTITION BY
create table s.x (d date) partition by list (d)
;;
-- case: partition_by_hash => PARTITION BY
create table s.x (d date) partition by hash (d)
;;
-- case: check_constraint => CHECK
create table s.x (id int check (id > 0))
;;
-- case: exclude_constraint => EXCLUDE
create table s.x (id int, exclude using gist (id with =))
;;
-- case: generated_column => GENERATED ALWAYS
create table s.x (id int, twice int generated always as (id * 2) stored)
;;
-- case: unlogged => UNLOGGED
create unlogged table s.x (id int)
;;
-- case: concurrently => CONCURRENTLY
refresh materialized view concurrently s.v
;;
-- case: foreign_key_on_delete => ON DELETE
create table s.x (id int references s.t (id) on delete cascade)
;;
-- case: foreign_key_on_update => ON UPDATE
create table s.x (id int references s.t (id) on update cascade)
;;
-- case: deferrable => DEFERRABLE
create table s.x (id int unique deferrable)
;;
-- case: row_value => ROW()
select row(1, 2)
;;
-- case: from_only => FROM ONLY
select id from only s.t
;;
-- case: only_in_brackets => ONLY
update only (s.t) set v = 1
;;
-- case: tablespace => TABLESPACE
create table s.x (id int) tablespace fast
;;
-- case: at_local => AT LOCAL
select ts at local from s.t
;;
-- case: current_timestamp => CURRENT_TIMESTAMP
insert into s.t select current_timestamp
;;
-- case: localtimestamp => LOCALTIMESTAMP
select localtimestamp
;;
-- case: current_time => CURRENT_TIME
select current_time
;;
-- case: localtime => LOCALTIME
select localtime
;;
-- case: current_catalog => CURRENT_CATALOG
select current_catalog
;;
-- case: values_in_from => VALUES
select n from (values (1), (2)) as v (n)
;;
-- case: values_in_with => VALUES
with v (n) as (values (1)) select n from v
;;
-- case: values_in_union => VALUES
select 1 union all values (2)
;;
-- case: values_statement => VALUES
values (1, 2)
;;
-- case: update_of_a_row => UPDATE … SET (a, b)
update s.t set (a, b) = (select 1, 2)
;;
-- case: nested_comment => nested comment
select 1 /* outer /* inner */ */
;;
-- case: window_default_frame => SUM OVER (… ORDER BY …)
select sum(v) over (partition by id order by d) from s.t
;;
-- case: first_value_default_frame => FIRST_VALUE OVER (… ORDER BY …)
select first_value(v) over (partition by id order by d) from s.t
;;
-- case: window_range => RANGE
select sum(v) over (order by d range between unbounded preceding and current row) from s.t
;;
-- case: window_range_distance => RANGE
select sum(v) over (order by d range 3 preceding) from s.t
;;
-- case: window_groups => GROUPS
select sum(v) over (order by d groups between 1 preceding and current row) from s.t
;;
-- case: window_exclude => EXCLUDE
select sum(v) over (order by d rows between 1 preceding and current row exclude ties) from s.t
;;
-- case: window_named => OVER name
select sum(v) over w from s.t
;;
-- case: window_clause => WINDOW
select id from s.t window w as (order by d)
;;
-- case: window_distinct => COUNT(DISTINCT …) OVER
select count(distinct v) over (partition by id) from s.t
;;
-- case: window_frame_of_rank => ROWS
select rank() over (order by d rows between 1 preceding and current row) from s.t
;;
-- case: qualify_without_alias => QUALIFY
select id from s.t qualify row_number() over (partition by id order by d) = 1
;;
-- case: merge_alias => MERGE target alias
merge into s.t as target using s.u on target.id = u.id when matched then delete when not matched then insert values (u.id)
;;
-- case: merge_subquery => MERGE USING (…)
merge into s.t using (select 1 as id) as u on s.t.id = u.id when matched then delete when not matched then insert values (u.id)
;;
-- case: merge_one_branch => MERGE branches
merge into s.t using s.u on s.t.id = u.id when matched then update set v = u.v
;;
-- case: merge_twice_matched => MERGE branches
merge into s.t using s.u on s.t.id = u.id when matched then delete when matched then delete
;;
-- case: merge_condition => MERGE … WHEN … AND
merge into s.t using s.u on s.t.id = u.id when matched and u.v > 1 then delete when not matched then insert values (u.id)
;;
-- case: merge_nothing => THEN DO
merge into s.t using s.u on s.t.id = u.id when matched then do nothing when not matched then insert values (u.id)
;;
-- case: merge_by_source => WHEN NOT MATCHED BY
merge into s.t using s.u on s.t.id = u.id when not matched by source then delete when matched then delete
;;
-- case: merge_qualified_set => MERGE … SET target.column
merge into s.t using s.u on s.t.id = u.id when matched then update set t.v = u.v when not matched then insert values (u.id)
;;
-- case: merge_with => WITH … MERGE
with u as (select 1 as id) merge into s.t using u on s.t.id = u.id when matched then delete when not matched then insert values (u.id)
;;
-- case: with_insert => WITH … INSERT
with u as (select 1 as id) insert into s.t select id from u
;;
-- case: insert_alias => INSERT … alias
insert into s.t as target (id) values (1)
;;
-- case: copy_region => REGION
copy s.t (id) from 's3://b/m' iam_role default format as parquet manifest region 'eu-west-1'
;;
-- case: copy_maxerror => MAXERROR
copy s.t (id) from 's3://b/m' iam_role default parquet manifest maxerror 10
;;
-- case: copy_truncatecolumns => TRUNCATECOLUMNS
copy s.t (id) from 's3://b/m' iam_role default parquet manifest truncatecolumns
;;
-- case: copy_stdin => COPY FROM STDIN
copy s.t from stdin
;;
-- case: copy_without_role => COPY
copy s.t from 's3://b/m' format as parquet manifest
;;
-- case: replace_table => CREATE OR REPLACE TABLE
create or replace table s.x (id int)
;;
-- case: temp_view => CREATE TEMP VIEW
create temp view v as select 1 as n
;;
-- case: ctas_if_not_exists => CREATE TABLE IF NOT EXISTS … AS
create table if not exists s.x as select 1 as id
;;
-- case: alter_if_exists => ALTER TABLE IF EXISTS
alter table if exists s.t drop column v
;;
-- case: alter_add_if_not_exists => ALTER TABLE … IF [NOT] EXISTS
alter table s.t add column if not exists v int
;;
-- case: alter_two_columns => ALTER TABLE with several actions
alter table s.t add column v int, add column w int
;;
-- case: alter_set_not_null => ALTER COLUMN … SET NOT NULL
alter table s.t alter column v set not null
;;
-- case: alter_drop_not_null => ALTER COLUMN … DROP NOT NULL
alter table s.t alter column v drop not null
;;
-- case: alter_set_default => ALTER COLUMN … SET DEFAULT
alter table s.t alter column v set default 1
;;
-- case: alter_drop_default => ALTER COLUMN … DROP DEFAULT
alter table s.t alter column v drop default
;;
-- case: alter_set_data_type => ALTER COLUMN … SET DATA TYPE
alter table s.t alter column v set data type varchar(10)
;;
-- case: alter_other_type => ALTER COLUMN … TYPE
alter table s.t alter column v type bigint
;;
-- case: alter_type_using => TYPE … USING
alter table s.t alter column v type varchar(20) using v::varchar(20)
;;
-- case: drop_procedure_if_exists => DROP PROCEDURE IF EXISTS
drop procedure if exists s.p(int)
;;
-- case: truncate_two => TRUNCATE … ,
truncate s.t, s.u
;;
-- case: truncate_cascade => TRUNCATE … CASCADE
truncate table s.t cascade
;;
-- case: create_index => CREATE INDEX
create index by_id on s.t (id)
;;
-- case: create_sequence => CREATE SEQUENCE
create sequence s.numbers
;;
-- case: create_trigger => CREATE TRIGGER
create trigger x after insert on s.t execute procedure s.p()
;;
-- case: create_extension => CREATE EXTENSION
create extension hstore
;;
-- case: create_type => CREATE TYPE
create type s.color as enum ('red')
;;
-- case: create_domain => CREATE DOMAIN
create domain s.positive as int
;;
-- case: drop_index => DROP INDEX
drop index s.by_id
;;
-- case: savepoint => SAVEPOINT
savepoint here
;;
-- case: do_block => DO
do $$ begin null; end $$
;;
-- case: explain_analyze => EXPLAIN ANALYZE
explain analyze select 1
;;
-- case: type_jsonb => JSONB
create table s.x (payload jsonb)
;;
-- case: type_uuid => UUID
select cast(id as uuid) from s.t
;;
-- case: type_serial => SERIAL
create table s.x (id serial)
;;
-- case: type_bytea => BYTEA
select v::bytea from s.t
;;
-- case: type_money => MONEY
create table s.x (price money)
;;
-- case: type_too_precise => DECIMAL
create table s.x (price decimal(39,2))
;;
-- case: type_too_long => VARCHAR
create table s.x (note varchar(65536))
;;
-- case: second_distribution_key => DISTKEY
create table s.x (a int distkey, b int distkey)
;;
-- case: sort_key_of_nothing => DISTKEY/SORTKEY
create table s.x (a int) sortkey (b)
;;
-- case: unknown_encoding => ENCODE
create table s.x (a int encode snappy)
;;
-- case: reserved_alias => TAG
select v as tag from s.t
;;
-- case: reserved_column => OPEN
create table s.x (id int, open boolean)
;;
-- case: function_now => NOW()
select now()
;;
-- case: function_age => AGE()
select age(a, b) from s.t
;;
-- case: function_generate_series => GENERATE_SERIES()
select n from generate_series(1, 3) as n
;;
-- case: function_string_agg => STRING_AGG()
select string_agg(v, ',') from s.t
;;
-- case: function_array_agg => ARRAY_AGG()
select array_agg(v) from s.t
;;
-- case: function_to_jsonb => TO_JSONB()
select to_jsonb(v) from s.t
;;
-- case: function_date_bin => DATE_BIN()
select date_bin('1 day', ts, timestamp '2000-01-01') from s.t
;;
-- case: function_make_date => MAKE_DATE()
select make_date(2024, 1, 1)
;;
-- case: function_format => FORMAT()
select format('%s', v) from s.t
;;
-- case: function_of_the_catalog => pg_catalog.clock_timestamp()
select pg_catalog.clock_timestamp()
;;
-- case: function_in_an_insert => GEN_RANDOM_UUID()
insert into s.t (v) select gen_random_uuid()
;;
-- case: date_part_of_nothing => fortnight
select dateadd(fortnight, 1, d) from s.t
;;
-- case: concat_of_three => CONCAT
select concat('a', 'b', 'c')
;;
-- case: procedure_default => DEFAULT
create procedure s.p(n int default 1) as $$ begin null; end; $$ language plpgsql
;;
-- case: procedure_perform => PERFORM
create procedure s.p() as $$ begin perform s.f(); end; $$ language plpgsql
;;
-- case: procedure_strict => STRICT
create procedure s.p() as $$ declare n int; begin select v into strict n from s.t; end; $$ language plpgsql
;;
-- case: procedure_foreach => FOREACH
create procedure s.p() as $$ declare n int; begin foreach n in ids loop null; end loop; end; $$ language plpgsql
;;
-- case: procedure_assert => ASSERT
create procedure s.p() as $$ begin assert 1 = 1; end; $$ language plpgsql
;;
-- case: procedure_return_query => RETURN QUERY
create procedure s.p() as $$ begin return query select 1; end; $$ language plpgsql
;;
-- case: procedure_type_of_column => %TYPE
create procedure s.p() as $$ declare n s.t.id%type; begin null; end; $$ language plpgsql
;;
-- case: procedure_stacked_diagnostics => GET STACKED DIAGNOSTICS
create procedure s.p() as $$ declare m varchar(10); begin get stacked diagnostics m = message_text; end; $$ language plpgsql
;;
-- case: procedure_set_local => SET LOCAL
create procedure s.p() as $$ begin set local timezone to 'UTC'; end; $$ language plpgsql
;;
-- case: procedure_savepoint => SAVEPOINT
create procedure s.p() as $$ begin savepoint x; end; $$ language plpgsql
;;
-- case: raise_using => RAISE … USING
create procedure s.p() as $$ begin raise exception 'bad' using hint = 'worse'; end; $$ language plpgsql
;;
-- case: raise_expression => RAISE argument
create procedure s.p() as $$ declare n int; begin raise exception 'bad %', n + 1; end; $$ language plpgsql
;;
-- case: raise_condition => RAISE format
create procedure s.p() as $$ begin raise exception division_by_zero; end; $$ language plpgsql
;;
-- case: raise_bare => RAISE without level
create procedure s.p() as $$ begin raise; end; $$ language plpgsql
;;
-- case: execute_using => EXECUTE … USING
create procedure s.p() as $$ declare n int; begin execute 'select 1' into n using n; end; $$ language plpgsql
;;
-- case: exception_condition => EXCEPTION WHEN UNIQUE_VIOLATION
create procedure s.p() as $$ begin insert into s.t values (1); exception when unique_violation then null; end; $$ language plpgsql
;;
-- case: nested_query_loops => query loop in a query loop
create procedure s.p() as $$
declare
    a record;
    b record;
begin
    for a in select 1 as n loop
        for b in select 2 as n loop
            null;
        end loop;
    end loop;
end;
$$ language plpgsql
;;
-- case: refused_in_a_body => ON CONFLICT
create procedure s.p() as $$
begin
    insert into s.t values (1) on conflict do nothing;
end;
$$ language plpgsql
;;
-- case: truncate_in_a_body => TRUNCATE … ,
create procedure s.p() as $$ begin if 1 = 1 then truncate s.t, s.u; end if; end; $$ language plpgsql
;;
-- case: function_in_a_body => CLOCK_TIMESTAMP()
create procedure s.p() as $$ declare t timestamp; begin t := clock_timestamp(); end; $$ language plpgsql
;;
-- case: listagg_without_order => LISTAGG
select listagg(v, ',') within group (v) from s.t
;;
-- case: top_without_count => TOP
select top id from s.t
;;
