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
select id from s.t join only (s.u) using (id)
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
-- case: insert_into_a_b_x_select_1_on_c_conflict_do_update_set_x_2 => ON CONFLICT
INSERT INTO a.b (x) SELECT 1 ON /* c */ CONFLICT DO UPDATE SET x = 2
;;
-- case: delete_from_t_where_a_1_returning => RETURNING
delete from t where a = 1 RETURNING *
;;
-- case: with_x_as_select_sum_a_filter_where_b_from_t_select_from_x => FILTER
with x as (select sum(a) FILTER (WHERE b) from t) select * from x
;;
-- case: create_table_q_as_select_distinct_on_a_b_a_from_t => DISTINCT ON
create table q as select DISTINCT ON (a, b) a from t
;;
-- case: select_from_a_cross_join_lateral_select_1_b => LATERAL
select * from a cross join lateral (select 1) b
;;
-- case: select_from_a_left_join_lateral_f_a_x_g_on_true => LATERAL
select * from a left join lateral f(a.x) g on true
;;
-- case: select_generate_series_1_10 => GENERATE_SERIES()
select generate_series(1, 10)
;;
-- case: select_from_generate_series_1_10_as_g_n => GENERATE_SERIES()
select * from generate_series(1, 10) as g(n)
;;
-- case: select_from_t_where_a_any_1_2_int => ANY (array)
select * from t where a = any('{1,2}'::int[])
;;
-- case: select_from_t_where_a_any_array_1_2 => ANY (array)
select * from t where a = ANY (ARRAY[1,2])
;;
-- case: select_unnest_array_1 => ARRAY
select unnest(array[1])
;;
-- case: select_array_agg_a_from_t => ARRAY_AGG()
select array_agg(a) from t
;;
-- case: select_array_agg_a_order_by_b_from_t => ARRAY_AGG(… ORDER BY …)
select array_agg(a order by b) from t
;;
-- case: select_string_agg_a_from_t => STRING_AGG()
select string_agg(a, ',') from t
;;
-- case: select_array_to_string_a_from_t => ARRAY_TO_STRING()
select array_to_string(a, ',') from t
;;
-- case: select_from_values_1_a_2_b_v_a_b => VALUES
select * from (values (1, 'a'), (2, 'b')) v(a, b)
;;
-- case: with_v_a_as_values_1_2_select_from_v => VALUES
with v(a) as (values (1), (2)) select * from v
;;
-- case: insert_into_t_select_from_values_1_x => VALUES
insert into t select * from (values (1)) x
;;
-- case: select_row_1_2_1_2_a => ROW()
select ROW(1, 2), (1, 2).a
;;
-- case: select_a_b_from_t => (value).field
select (a).b from t
;;
-- case: select_from_t_where_a_is_not_distinct_from_b => IS NOT DISTINCT FROM
select * from t where a IS NOT DISTINCT FROM b
;;
-- case: select_a_from_t_intersect_all_select_a_from_u => INTERSECT ALL
select a from t INTERSECT ALL select a from u
;;
-- case: create_index_i_on_t_a => CREATE INDEX
create index i on t (a)
;;
-- case: create_unique_index_i_on_t_a => CREATE UNIQUE
create unique index i on t (a)
;;
-- case: create_table_t_a_int_partition_by_range_a => PARTITION BY
create table t (a int) partition by range (a)
;;
-- case: create_table_t_partition_of_u_for_values_in_1 => PARTITION
create table t partition of u for values in (1)
;;
-- case: create_table_t_a_int_inherits_u => INHERITS
create table t (a int) inherits (u)
;;
-- case: create_table_t_a_int_tablespace_x => TABLESPACE
create table t (a int) tablespace x
;;
-- case: create_trigger_x_before_insert_on_t_for_each_row_execute_fun => CREATE TRIGGER
create trigger x before insert on t for each row execute function f()
;;
-- case: create_sequence_s => CREATE SEQUENCE
create sequence s
;;
-- case: select_nextval_s => NEXTVAL()
select nextval('s')
;;
-- case: create_domain_d_as_int => CREATE DOMAIN
create domain d as int
;;
-- case: create_type_e_as_enum_a => CREATE TYPE
create type e as enum ('a')
;;
-- case: create_extension_pgcrypto => CREATE EXTENSION
create extension pgcrypto
;;
-- case: create_rule_r_as_on_insert_to_t_do_nothing => CREATE RULE
create rule r as on insert to t do nothing
;;
-- case: do_begin_null_end => DO
do $$ begin null; end $$
;;
-- case: do_language_plpgsql_begin_null_end => DO
do language plpgsql $$ begin null; end $$
;;
-- case: create_table_t_a_int_check_a_0 => CHECK
create table t (a int check (a > 0))
;;
-- case: create_table_t_a_int_constraint_c_check_a_0 => CHECK
create table t (a int, constraint c check (a > 0))
;;
-- case: create_table_t_a_int_exclude_using_gist_a_with => EXCLUDE
create table t (a int, exclude using gist (a with =))
;;
-- case: select_from_t_for_update_of_t_nowait => FOR UPDATE
select * from t for update of t nowait
;;
-- case: select_pg_advisory_lock_1 => PG_ADVISORY_LOCK()
select pg_advisory_lock(1)
;;
-- case: savepoint_a => SAVEPOINT
savepoint a
;;
-- case: release_savepoint_a => RELEASE
release savepoint a
;;
-- case: rollback_to_savepoint_a => SAVEPOINT
rollback to savepoint a
;;
-- case: create_table_t_a_bytea => BYTEA
create table t (a bytea)
;;
-- case: create_table_t_a_json => JSON
create table t (a json)
;;
-- case: create_table_t_a_uuid_default_gen_random_uuid => GEN_RANDOM_UUID()
create table t (a uuid default gen_random_uuid())
;;
-- case: create_table_t_a_bigserial_primary_key => BIGSERIAL
create table t (a bigserial primary key)
;;
-- case: create_table_t_a_money => MONEY
create table t (a money)
;;
-- case: create_table_t_a_int => array type
create table t (a int[])
;;
-- case: create_table_t_a_int4range => INT4RANGE
create table t (a int4range)
;;
-- case: create_table_t_a_xml => XML
create table t (a xml)
;;
-- case: create_table_t_a_hstore => HSTORE
create table t (a hstore)
;;
-- case: create_table_t_a_inet => INET
create table t (a inet)
;;
-- case: create_table_t_a_cidr_b_macaddr => CIDR
create table t (a cidr, b macaddr)
;;
-- case: create_table_t_a_bit_3 => BIT()
create table t (a bit(3))
;;
-- case: create_table_t_a_point => POINT
create table t (a point)
;;
-- case: create_table_t_a_tsvector => TSVECTOR
create table t (a tsvector)
;;
-- case: select_1_uuid => UUID
select '1'::uuid
;;
-- case: select_cast_a_as_jsonb_from_t => JSONB
select cast(a as jsonb) from t
;;
-- case: select_a_text_from_t => array type
select a::text[] from t
;;
-- case: create_table_t_a_bigint_generated_always_as_identity => GENERATED ALWAYS
create table t (a bigint generated always as identity)
;;
-- case: create_table_t_a_int_b_int_generated_always_as_a_2_stored => GENERATED ALWAYS
create table t (a int, b int generated always as (a * 2) stored)
;;
-- case: select_sum_a_over_partition_by_b_order_by_c_from_t => SUM OVER (… ORDER BY …)
select sum(a) over (partition by b order by c) from t
;;
-- case: select_count_over_order_by_c_from_t => COUNT OVER (… ORDER BY …)
select count(*) over (order by c) from t
;;
-- case: select_avg_a_over_order_by_c_range_between_unbounded_precedi => RANGE
select avg(a) over (order by c range between unbounded preceding and current row) from t
;;
-- case: select_sum_a_over_order_by_c_groups_1_preceding_from_t => GROUPS
select sum(a) over (order by c groups 1 preceding) from t
;;
-- case: select_sum_a_over_order_by_c_rows_between_unbounded_precedin => EXCLUDE
select sum(a) over (order by c rows between unbounded preceding and current row exclude current row) from t
;;
-- case: select_sum_a_over_w_from_t_window_w_as_partition_by_b_order => OVER name
select sum(a) over w from t window w as (partition by b order by c)
;;
-- case: select_last_value_a_over_partition_by_b_order_by_c_from_t => LAST_VALUE OVER (… ORDER BY …)
select last_value(a) over (partition by b order by c) from t
;;
-- case: select_count_distinct_a_over_partition_by_b_from_t => COUNT(DISTINCT …) OVER
select count(distinct a) over (partition by b) from t
;;
-- case: select_now => NOW()
select now()
;;
-- case: select_from_t_where_ts_now_interval_1_day => NOW()
select * from t where ts > now() - interval '1 day'
;;
-- case: select_age_a_b_from_t => AGE()
select age(a, b) from t
;;
-- case: select_current_timestamp_a_from_t => CURRENT_TIMESTAMP
select current_timestamp, a from t
;;
-- case: select_localtime => LOCALTIME
select localtime
;;
-- case: select_current_schema_from_t => CURRENT_SCHEMA()
select current_schema() from t
;;
-- case: select_has_table_privilege_a_select_from_t => HAS_TABLE_PRIVILEGE()
select has_table_privilege('a', 'select') from t
;;
-- case: select_clock_timestamp => CLOCK_TIMESTAMP()
select clock_timestamp()
;;
-- case: select_statement_timestamp => STATEMENT_TIMESTAMP()
select statement_timestamp()
;;
-- case: select_transaction_timestamp => TRANSACTION_TIMESTAMP()
select transaction_timestamp()
;;
-- case: select_make_date_2024_1_1 => MAKE_DATE()
select make_date(2024, 1, 1)
;;
-- case: select_make_interval_days_1 => =>
select make_interval(days => 1)
;;
-- case: select_make_timestamp_2024_1_1_0_0_0 => MAKE_TIMESTAMP()
select make_timestamp(2024,1,1,0,0,0)
;;
-- case: select_date_bin_15_minutes_a_b_from_t => DATE_BIN()
select date_bin('15 minutes', a, b) from t
;;
-- case: select_justify_days_a_from_t => JUSTIFY_DAYS()
select justify_days(a) from t
;;
-- case: select_format_s_a_from_t => FORMAT()
select format('%s', a) from t
;;
-- case: select_regexp_matches_a_b_from_t => REGEXP_MATCHES()
select regexp_matches(a, 'b') from t
;;
-- case: select_regexp_split_to_table_a_from_t => REGEXP_SPLIT_TO_TABLE()
select regexp_split_to_table(a, ',') from t
;;
-- case: select_regexp_split_to_array_a_from_t => REGEXP_SPLIT_TO_ARRAY()
select regexp_split_to_array(a, ',') from t
;;
-- case: select_overlay_a_placing_x_from_1_for_2_from_t => OVERLAY()
select overlay(a placing 'x' from 1 for 2) from t
;;
-- case: select_div_a_b_from_t => DIV()
select div(a, b) from t
;;
-- case: select_width_bucket_a_1_10_5_from_t => WIDTH_BUCKET()
select width_bucket(a, 1, 10, 5) from t
;;
-- case: select_convert_from_a_utf8_from_t => CONVERT_FROM()
select convert_from(a, 'utf8') from t
;;
-- case: select_string_to_array_a_from_t => STRING_TO_ARRAY()
select string_to_array(a, ',') from t
;;
-- case: select_concat_ws_a_b_from_t => CONCAT_WS()
select concat_ws(',', a, b) from t
;;
-- case: select_concat_a_b_c_from_t => CONCAT
select concat(a, b, c) from t
;;
-- case: select_jsonb_build_object_a_1 => JSONB_BUILD_OBJECT()
select jsonb_build_object('a', 1)
;;
-- case: select_json_agg_a_from_t => JSON_AGG()
select json_agg(a) from t
;;
-- case: select_row_to_json_t_from_t => ROW_TO_JSON()
select row_to_json(t) from t
;;
-- case: select_to_jsonb_a_from_t => TO_JSONB()
select to_jsonb(a) from t
;;
-- case: select_a_b_from_t_2 => ->>
select a->>'b' from t
;;
-- case: select_a_b_from_t_3 => #>>
select a #>> '{b}' from t
;;
-- case: select_a_b_from_t_4 => @>
select a @> b from t
;;
-- case: select_a_b_from_t_5 => ?
select a ? 'b' from t
;;
-- case: alter_table_t_add_column_a_int_add_column_b_int => ALTER TABLE with several actions
alter table t add column a int, add column b int
;;
-- case: alter_table_t_add_column_if_not_exists_a_int => ALTER TABLE … IF [NOT] EXISTS
alter table t add column if not exists a int
;;
-- case: alter_table_t_alter_column_a_set_not_null => ALTER COLUMN … SET NOT NULL
alter table t alter column a set not null
;;
-- case: alter_table_t_alter_a_set_default_1 => ALTER COLUMN … SET DEFAULT
alter table t alter a set default 1
;;
-- case: alter_table_t_alter_column_a_type_bigint => ALTER COLUMN … TYPE
alter table t alter column a type bigint
;;
-- case: alter_table_t_alter_column_a_type_varchar_10_using_a_varchar => TYPE … USING
alter table t alter column a type varchar(10) using a::varchar(10)
;;
-- case: alter_table_t_rename_a_to_b_rename_c_to_d => ALTER TABLE with several actions
alter table t rename a to b, rename c to d
;;
-- case: alter_table_if_exists_t_add_column_a_int => ALTER TABLE IF EXISTS
alter table if exists t add column a int
;;
-- case: alter_table_t_add_check_a_0 => CHECK
alter table t add check (a > 0)
;;
-- case: alter_table_t_add_column_a_int_not_null => ADD COLUMN … NOT NULL
alter table t add column a int not null
;;
-- case: alter_table_t_disable_trigger_all => ALTER TABLE … DISABLE
alter table t disable trigger all
;;
-- case: alter_table_t_inherit_u => ALTER TABLE … INHERIT
alter table t inherit u
;;
-- case: create_table_if_not_exists_t_as_select_1_as_a => CREATE TABLE IF NOT EXISTS … AS
create table if not exists t as select 1 as a
;;
-- case: create_temp_table_t_on_commit_drop_as_select_1_as_a => ON COMMIT
create temp table t on commit drop as select 1 as a
;;
-- case: create_temp_table_t_a_int_on_commit_delete_rows => ON COMMIT
create temp table t (a int) on commit delete rows
;;
-- case: create_unlogged_table_t_a_int => UNLOGGED
create unlogged table t (a int)
;;
-- case: create_or_replace_table_t_a_int => CREATE OR REPLACE TABLE
create or replace table t (a int)
;;
-- case: create_or_replace_temp_table_t_as_select_1_as_a => CREATE TEMP
create or replace temp table t as select 1 as a
;;
-- case: truncate_a_b => TRUNCATE … ,
truncate a, b
;;
-- case: truncate_table_t_cascade => TRUNCATE … CASCADE
truncate table t cascade
;;
-- case: truncate_t_restart_identity => TRUNCATE … RESTART
truncate t restart identity
;;
-- case: with_x_as_select_1_insert_into_t_select_from_x => WITH … INSERT
with x as (select 1) insert into t select * from x
;;
-- case: explain_analyze_select_1 => EXPLAIN ANALYZE
explain analyze select 1
;;
-- case: explain_analyze_buffers_select_1 => EXPLAIN (…)
explain (analyze, buffers) select 1
;;
-- case: explain_format_json_select_1 => EXPLAIN (…)
explain (format json) select 1
;;
-- case: refresh_materialized_view_concurrently_mv => CONCURRENTLY
refresh materialized view concurrently mv
;;
-- case: copy_t_from_stdin => COPY FROM STDIN
copy t from stdin
;;
-- case: copy_t_to_s3_x => COPY
copy t to 's3://x'
;;
-- case: copy_select_1_to_stdout => COPY
copy (select 1) to stdout
;;
-- case: select_1_as_raw => RAW
select 1 as raw
;;
-- case: select_a_new_from_t => NEW
select a new from t
;;
-- case: select_a_as_system_b_as_tag_from_t => SYSTEM
select a as system, b as tag from t
;;
-- case: create_table_t_raw_int => RAW
create table t (raw int)
;;
-- case: create_table_raw_t_a_int => RAW
create table raw.t (a int)
;;
-- case: select_from_raw_bookings => RAW
select * from raw.bookings
;;
-- case: select_count_as_top_from_t => TOP
select count(*) as top from t
;;
-- case: create_table_t_a_int_partition_int => PARTITION
create table t (a int, partition int)
;;
-- case: with_snapshot_as_select_1_as_a_select_from_snapshot => SNAPSHOT
with snapshot as (select 1 as a) select * from snapshot
;;
-- case: select_from_t_as_old => OLD
select * from t as old
;;
-- case: insert_into_t_open_values_1 => OPEN
insert into t (open) values (1)
;;
-- case: select_t_a_as_timestamp_from_t => TIMESTAMP
select t.a as timestamp from t
;;
-- case: create_view_v_as_select_1_as_percent => PERCENT
create view v as select 1 as percent
;;
-- case: insert_into_t_as_x_values_1 => INSERT … alias
insert into t as x values (1)
;;
-- case: insert_into_t_default_values_on_conflict_do_nothing => ON CONFLICT
insert into t default values on conflict do nothing
;;
-- case: insert_into_t_overriding_user_value_values_1 => INSERT … alias
insert into t overriding user value values (1)
;;
-- case: update_t_set_a_b_1_2 => UPDATE … SET (a, b)
update t set (a, b) = (1, 2)
;;
-- case: update_only_t_set_a_1 => UPDATE ONLY
update only t set a = 1
;;
-- case: update_t_set_a_1_from_u_left_join_v_on_u_a_v_a_where_t_a_u_a => UPDATE … FROM … outer join
update t set a = 1 from u left join v on u.a = v.a where t.a = u.a
;;
-- case: delete_from_only_t => FROM ONLY
delete from only t
;;
-- case: delete_from_t_where_current_of_c => WHERE CURRENT OF
delete from t where current of c
;;
-- case: select_from_only_t => FROM ONLY
select * from only t
;;
-- case: select_a_from_t_tablesample_bernoulli_10 => TABLESAMPLE
select a from t tablesample bernoulli (10)
;;
-- case: select_a_from_t_fetch_first_row_only => FETCH FIRST
select a from t fetch first row only
;;
-- case: select_a_from_t_order_by_b_fetch_first_5_rows_with_ties => FETCH FIRST
select a from t order by b fetch first 5 rows with ties
;;
-- case: merge_into_t_as_x_using_u_on_x_a_u_a_when_matched_then_delet => MERGE target alias
merge into t as x using u on x.a = u.a when matched then delete when not matched then insert values (1)
;;
-- case: merge_into_t_x_using_u_on_x_a_u_a_when_matched_then_delete_w => MERGE target alias
merge into t x using u on x.a = u.a when matched then delete when not matched then insert values (1)
;;
-- case: merge_into_t_using_select_from_u_as_s_on_t_a_s_a_when_matche => MERGE USING (…)
merge into t using (select * from u) as s on t.a = s.a when matched then delete when not matched then insert values (1)
;;
-- case: merge_into_t_using_u_on_t_a_u_a_when_matched_then_update_set => MERGE branches
merge into t using u on t.a = u.a when matched then update set a = 1
;;
-- case: merge_into_t_using_u_on_t_a_u_a_when_not_matched_then_insert => MERGE branches
merge into t using u on t.a = u.a when not matched then insert values (1)
;;
-- case: merge_into_t_using_u_on_t_a_u_a_when_matched_and_u_b_then_de => MERGE … WHEN … AND
merge into t using u on t.a = u.a when matched and u.b then delete when not matched then insert values (1)
;;
-- case: merge_into_t_using_u_on_t_a_u_a_when_matched_then_do_nothing => THEN DO
merge into t using u on t.a = u.a when matched then do nothing when not matched then insert values (1)
;;
-- case: with_u_as_select_1_merge_into_t_using_u_on_t_a_u_a_when_matc => WITH … MERGE
with u as (select 1) merge into t using u on t.a = u.a when matched then delete when not matched then insert values (1)
;;
-- case: merge_into_t_using_u_on_t_a_u_a_when_matched_then_update_set_2 => MERGE … SET target.column
merge into t using u on t.a = u.a when matched then update set t.a = 1 when not matched then insert values (1)
;;
-- case: merge_into_t_using_u_on_t_a_u_a_when_not_matched_by_source_t => WHEN NOT MATCHED BY
merge into t using u on t.a = u.a when not matched by source then delete when matched then update set a = 1
;;
-- case: merge_into_t_using_t_on_t_a_t_a_when_matched_then_delete_whe => MERGE of a table into itself
merge into t using t on t.a = t.a when matched then delete when not matched then insert values (1)
;;
-- case: select_a_row_number_over_partition_by_b_order_by_c_rn_from_s => QUALIFY
select a, row_number() over (partition by b order by c) rn from s.t qualify rn = 1
;;
-- case: create_function_f_a_int_returns_int_as_begin_return_a_end_la => LANGUAGE plpgsql of a function
create function f(a int) returns int as $$ begin return a; end $$ language plpgsql
;;
-- case: create_function_f_int_returns_table_a_int_as_select_1_langua => CREATE FUNCTION
create function f(int) returns table (a int) as $$ select 1 $$ language sql
;;
-- case: create_function_f_int_returns_setof_int_stable_as_select_1_l => CREATE FUNCTION
create function f(int) returns setof int stable as $$ select 1 $$ language sql
;;
-- case: create_aggregate_a_int_sfunc_f_stype_int => CREATE AGGREGATE
create aggregate a (int) (sfunc = f, stype = int)
;;
-- case: create_operator_procedure_f => CREATE OPERATOR
create operator === (procedure = f)
;;
-- case: create_cast_int_as_text_with_function_f_int => CREATE CAST
create cast (int as text) with function f(int)
;;
-- case: create_policy_p_on_t => CREATE POLICY
create policy p on t
;;
-- case: create_publication_p_for_all_tables => CREATE PUBLICATION
create publication p for all tables
;;
-- case: create_foreign_table_t_a_int_server_s => CREATE FOREIGN
create foreign table t (a int) server s
;;
-- case: create_server_s_foreign_data_wrapper_w => CREATE SERVER
create server s foreign data wrapper w
;;
-- case: listen_x => LISTEN
listen x
;;
-- case: notify_x => NOTIFY
notify x
;;
-- case: unlisten => UNLISTEN
unlisten *
;;
-- case: discard_all => DISCARD
discard all
;;
-- case: cluster_t => CLUSTER
cluster t
;;
-- case: reindex_table_t => REINDEX
reindex table t
;;
-- case: checkpoint => CHECKPOINT
checkpoint
;;
-- case: load_x => LOAD
load 'x'
;;
-- case: set_local_x_to_1 => SET LOCAL
set local x to 1
;;
-- case: set_transaction_isolation_level_serializable => SET TRANSACTION
set transaction isolation level serializable
;;
-- case: set_constraints_all_deferred => SET CONSTRAINTS
set constraints all deferred
;;
-- case: create_materialized_view_mv_as_select_1_as_a_with_no_data => WITH NO DATA
create materialized view mv as select 1 as a with no data
;;
-- case: create_view_v_with_security_barrier_as_select_1_as_a => WITH
create view v with (security_barrier) as select 1 as a
;;
-- case: create_recursive_view_v_a_as_select_1 => CREATE RECURSIVE
create recursive view v (a) as select 1
;;
-- case: create_temp_view_v_as_select_1_as_a => CREATE TEMP VIEW
create temp view v as select 1 as a
;;
-- case: create_view_v_as_select_1_as_a_with_check_option => WITH CHECK OPTION
create view v as select 1 as a with check option
;;
-- case: alter_view_v_rename_to_w => ALTER VIEW
alter view v rename to w
;;
-- case: drop_index_i => DROP INDEX
drop index i
;;
-- case: drop_procedure_if_exists_p_int => DROP PROCEDURE IF EXISTS
drop procedure if exists p(int)
;;
-- case: drop_function_if_exists_f_int => DROP FUNCTION IF EXISTS
drop function if exists f(int)
;;
-- case: drop_sequence_s => DROP SEQUENCE
drop sequence s
;;
-- case: grant_select_on_sequence_s_to_u => GRANT ON SEQUENCE
grant select on sequence s to u
;;
-- case: grant_usage_on_type_x_to_u => GRANT ON TYPE
grant usage on type x to u
;;
-- case: select_u_x => U&'…'
select U&'x'
;;
-- case: select_b_101_x_ff => bit string
select b'101', x'ff'
;;
-- case: select_a_regclass_from_t => REGCLASS
select a::regclass from t
;;
-- case: select_t_regclass => REGCLASS
select 't'::regclass
;;
-- case: select_a_collate_c_from_t => COLLATE
select a collate "C" from t
;;
-- case: select_pg_typeof_a_from_t => PG_TYPEOF()
select pg_typeof(a) from t
;;
-- case: select_txid_current => TXID_CURRENT()
select txid_current()
;;
-- case: select_lastval => LASTVAL()
select lastval()
;;
-- case: select_encode_a_hex_decode_a_hex_from_t => ENCODE()
select encode(a, 'hex'), decode('a', 'hex') from t
;;
-- case: select_digest_a_sha256 => DIGEST()
select digest('a', 'sha256')
;;
-- case: select_sha256_a => SHA256()
select sha256('a')
;;
-- case: select_gcd_1_2_lcm_1_2_factorial_3 => GCD()
select gcd(1, 2), lcm(1, 2), factorial(3)
;;
-- case: select_trim_scale_1_0_scale_1_0_min_scale_1_0 => TRIM_SCALE()
select trim_scale(1.0), scale(1.0), min_scale(1.0)
;;
-- case: select_num_nulls_a_from_t => NUM_NULLS()
select num_nulls(a) from t
;;
-- case: select_every_a_from_t => EVERY()
select every(a) from t
;;
-- case: select_mode_within_group_order_by_a_from_t => MODE()
select mode() within group (order by a) from t
;;
-- case: select_xmlelement_name_a => XMLELEMENT()
select xmlelement(name a)
;;
-- case: select_regr_slope_a_b_from_t => REGR_SLOPE()
select regr_slope(a, b) from t
;;
-- case: select_corr_a_b_from_t => CORR()
select corr(a, b) from t
;;
-- case: select_starts_with_a_b_from_t => STARTS_WITH()
select starts_with(a, 'b') from t
;;
-- case: select_a_b_from_t_6 => ^@
select a ^@ 'b' from t
;;
-- case: select_a_operator_pg_catalog_b_from_t => OPERATOR()
select a operator(pg_catalog.+) b from t
;;
-- case: select_pg_catalog_now => pg_catalog.now()
select pg_catalog.now()
;;
-- case: select_extract_isodow_from_a_from_t => isodow
select extract(isodow from a) from t
;;
-- case: select_extract_julian_from_a_from_t => julian
select extract(julian from a) from t
;;
-- case: select_date_trunc_day_a_utc_from_t => DATE_TRUNC
select date_trunc('day', a, 'UTC') from t
;;
-- case: select_a_at_local_from_t => AT LOCAL
select a at local from t
;;
-- case: select_count_filter_where_a_over_partition_by_b_from_t => FILTER
select count(*) filter (where a) over (partition by b) from t
;;
-- case: select_percentile_disc_array_0_1_within_group_order_by_a_fro => ARRAY
select percentile_disc(array[0.1]) within group (order by a) from t
;;
-- case: select_lag_a_over_order_by_b_rows_between_1_preceding_and_cu => ROWS
select lag(a) over (order by b rows between 1 preceding and current row) from t
;;
-- case: select_sum_a_order_by_b_from_t => SUM(… ORDER BY …)
select sum(a order by b) from t
;;
-- case: select_from_t_natural_full_outer_join_lateral_u => LATERAL
select * from t natural full outer join lateral u
;;
-- case: call_p_a_1 => named argument
call p(a := 1)
;;
-- case: call_p_variadic_a => VARIADIC
call p(variadic a)
;;
-- case: select_from_t_union_all_values_1 => VALUES
select * from t union all values (1)
;;
-- case: table_t => TABLE
table t
;;
-- case: select_from_rows_from_f_1 => F()
select * from rows from (f(1))
;;
-- case: with_x_as_materialized_select_1_select_from_x => AS MATERIALIZED
with x as materialized (select 1) select * from x
;;
-- case: with_recursive_x_a_as_select_1_union_select_a_1_from_x_selec => recursive UNION
with recursive x (a) as (select 1 union select a + 1 from x) select * from x
;;
-- case: with_recursive_x_a_as_select_1_union_all_select_2_search_dep => SEARCH
with recursive x (a) as (select 1 union all select 2) search depth first by a set o select * from x
;;
-- case: with_d_as_delete_from_t_returning_select_from_d => data-modifying WITH
with d as (delete from t returning *) select * from d
;;
-- case: analyze_verbose_t => ANALYZE
analyze (verbose) t
;;
-- case: vacuum_full_analyze_t => VACUUM
vacuum (full, analyze) t
;;
-- case: vacuum_full_analyze_t_2 => VACUUM
vacuum full analyze t
;;
-- case: vacuum_freeze_t => VACUUM
vacuum freeze t
;;
-- case: lock_table_t_in_exclusive_mode => LOCK … IN
lock table t in exclusive mode
;;
-- case: lock_t_nowait => LOCK … NOWAIT
lock t nowait
;;
-- case: comment_on_function_f_int_is_x => COMMENT ON FUNCTION
comment on function f(int) is 'x'
;;
-- case: comment_on_index_i_is_x => COMMENT ON INDEX
comment on index i is 'x'
;;
-- case: comment_on_database_d_is_x => COMMENT ON DATABASE
comment on database d is 'x'
;;
-- case: begin_isolation_level_foo => ISOLATION LEVEL
begin isolation level foo
;;
-- case: commit_and_chain => COMMIT
commit and chain
;;
-- case: rollback_and_chain => ROLLBACK
rollback and chain
;;
-- case: prepare_transaction_x => PREPARE TRANSACTION
prepare transaction 'x'
;;
-- case: create_table_t_a_int_default_nextval_s => NEXTVAL()
create table t (a int default nextval('s'))
;;
-- case: create_table_t_a_int_references_u_on_delete_cascade => ON DELETE
create table t (a int references u on delete cascade)
;;
-- case: create_table_t_a_int_unique_deferrable => DEFERRABLE
create table t (a int unique deferrable)
;;
-- case: create_table_t_a_varchar_10_collate_c => COLLATE
create table t (a varchar(10) collate "C")
;;
-- case: create_table_t_a_int_primary_key_using_index_tablespace_x => TABLESPACE
create table t (a int primary key using index tablespace x)
;;
-- case: create_table_t_a_int_with_fillfactor_10 => WITH
create table t (a int) with (fillfactor = 10)
;;
-- case: create_table_t_like_u_including_all => INCLUDING ALL
create table t (like u including all)
;;
-- case: create_table_t_like_u_including_indexes => INCLUDING INDEXES
create table t (like u including indexes)
;;
-- case: create_table_t_of_x => OF
create table t of x
;;
-- case: create_table_t_a_text => array type
create table t (a text[])
;;
-- case: create_table_t_a_timestamp_3 => TIMESTAMP
create table t (a timestamp(3))
;;
-- case: create_table_t_a_decimal_40_2 => DECIMAL
create table t (a decimal(40, 2))
;;
-- case: create_table_t_a_char_5000 => CHAR
create table t (a char(5000))
;;
-- case: create_table_t_a_varchar_70000 => VARCHAR
create table t (a varchar(70000))
;;
-- case: create_table_t_a_int_distkey_b_int_distkey => DISTKEY
create table t (a int distkey, b int distkey)
;;
-- case: create_table_t_a_int_distkey_zz => DISTKEY/SORTKEY
create table t (a int) distkey (zz)
;;
-- case: create_table_t_a_int_encode_foo => ENCODE
create table t (a int encode foo)
;;
-- case: search_breadth_first => SEARCH
with recursive x (a) as (select 1 union all select a + 1 from x) search breadth first by a set o select * from x
;;
-- case: like_including_constraints => INCLUDING CONSTRAINTS
create table s.x (like s.t including constraints)
;;
-- case: unload_bare_query => UNLOAD
unload (select id from s.t) to 's3://b/p' iam_role default format as parquet
;;
-- case: unload_without_destination => UNLOAD
unload ('select id from s.t') iam_role default format as parquet
;;
-- case: unload_without_role => UNLOAD
unload ('select id from s.t') to 's3://b/p' format as parquet
;;
-- case: unload_to_a_file => UNLOAD TO
unload ('select id from s.t') to '/tmp/p' iam_role default format as parquet
;;
-- case: unload_outer_limit => LIMIT
unload ('select id from s.t order by id limit 10') to 's3://b/p' iam_role default format as parquet
;;
-- case: unload_outer_limit_in_brackets => LIMIT
unload ('(select id from s.t limit 10)') to 's3://b/p' iam_role default format as parquet
;;
-- case: unload_outer_top => TOP
unload ('with u as (select id from s.t) select top 10 id from u') to 's3://b/p' iam_role default format as parquet
;;
-- case: unload_of_a_delete => UNLOAD of DELETE
unload ('delete from s.t') to 's3://b/p' iam_role default format as parquet
;;
-- case: unload_of_an_unload => UNLOAD of UNLOAD
unload ($$unload ('select 1') to 's3://b/q' iam_role default parquet$$) to 's3://b/p' iam_role default format as parquet
;;
-- case: unload_of_two_statements => second statement
unload ('select 1; select 2') to 's3://b/p' iam_role default format as parquet
;;
-- case: unload_query_refused_by_the_gate => ON CONFLICT
unload ('insert into s.t (id) values (1) on conflict do nothing') to 's3://b/p' iam_role default format as parquet
;;
-- case: unload_query_with_lateral => LATERAL
unload ($$select t.id from s.t, lateral (select 1) as u$$) to 's3://b/p' iam_role default format as parquet
;;
-- case: unload_delimiter => DELIMITER
unload ('select id from s.t') to 's3://b/p' iam_role default format as parquet delimiter as '|'
;;
-- case: unload_header => HEADER
unload ('select id from s.t') to 's3://b/p' iam_role default parquet header
;;
-- case: unload_gzip => GZIP
unload ('select id from s.t') to 's3://b/p' iam_role default gzip parquet
;;
-- case: unload_null_as => NULL
unload ('select id from s.t') to 's3://b/p' iam_role default parquet null as 'none'
;;
-- case: unload_addquotes => ADDQUOTES
unload ('select id from s.t') to 's3://b/p' iam_role default parquet addquotes escape
;;
-- case: unload_cleanpath_and_allowoverwrite => CLEANPATH
unload ('select id from s.t') to 's3://b/p' iam_role default parquet cleanpath allowoverwrite
;;
-- case: unload_verbose_alone => VERBOSE
unload ('select id from s.t') to 's3://b/p' iam_role default parquet verbose manifest
;;
-- case: unload_small_files => MAXFILESIZE
unload ('select id from s.t') to 's3://b/p' iam_role default parquet maxfilesize 1 mb
;;
-- case: unload_large_row_groups => ROWGROUPSIZE
unload ('select id from s.t') to 's3://b/p' iam_role default parquet rowgroupsize 1 gb
;;
-- case: unload_with_an_option_of_copy => FILLRECORD
unload ('select id from s.t') to 's3://b/p' iam_role default parquet fillrecord
;;
-- case: unload_role_that_is_none => IAM_ROLE
unload ('select id from s.t') to 's3://b/p' iam_role 'writer' parquet
;;
-- case: unload_in_a_procedure => LIMIT
create procedure s.p() as $$ begin unload ('select id from s.t limit 1') to 's3://b/p' iam_role default parquet; end $$ language plpgsql
;;

-- case: a median takes no order => MEDIAN
select median(price) within group (order by area) from listing
;;
-- case: two medians of different columns => MEDIAN by another order
select median(price), median(area) from listing
;;
-- case: aggregates that sort differently, one deep in an expression => LISTAGG by another order
select city, nvl(percentile_cont(0.9) within group (order by price), 0),
    len(listagg(title, ',') within group (order by title)) from listing group by city
;;
-- case: late_binding_view_of_an_unqualified_table => VIEW … WITH NO SCHEMA BINDING
create view market.cheap as select id from listing where price < 10 with no schema binding
;;
-- case: late_binding_view_with_an_unqualified_join => VIEW … WITH NO SCHEMA BINDING
create or replace view market.cheap as
    select l.id from market.listing as l left join booking as b on b.listing_id = l.id
    with no schema binding
;;
-- case: alter_table_append_with_two_options => ALTER TABLE … APPEND
alter table market.stay append from market.new_stay filltarget ignoreextra
;;
-- case: drop_the_schema_of_the_stand_in => redshift_local
drop schema "redshift_local" cascade
;;
-- case: on_conflict_on_constraint => ON CONFLICT
insert into s.t values (1) on conflict on constraint t_pkey do nothing
;;
-- case: lateral_call => LATERAL
select t.id, u.v from s.t as t, lateral s.f(t.id) as u
;;
-- case: lateral_own_function => LATERAL
select t.id, u.v from s.t as t, lateral f_split(t.id) as u
;;
-- case: array_of_a_query => ARRAY
select array(select id from s.t)
;;
-- case: any_in_two_brackets => ANY (array)
select id from s.t where 5 = any ((ids))
;;
-- case: like_any_of_array => ANY (array)
select id from s.t where v like any (patterns)
;;
-- case: fetch_behind_offset => FETCH NEXT
select id from s.t order by id offset 5 rows fetch next 5 rows only
;;
-- case: fetch_behind_offset_of_a_row => FETCH NEXT
select id from s.t order by id offset 1 row fetch next 5 rows only
;;
-- case: fetch_of_a_count => FETCH FIRST
select id from s.t fetch 1 row
;;
-- case: fetch_of_a_count_of_rows => FETCH FIRST
select id from s.t fetch 3 rows
;;
-- case: with_ties_behind_a_row => WITH TIES
select id from s.t order by id limit 3 with ties
;;
-- case: union_distinct => UNION DISTINCT
select 1 union distinct select 2
;;
-- case: except_distinct => EXCEPT DISTINCT
select 1 except distinct select 2
;;
-- case: intersect_distinct => INTERSECT DISTINCT
select 1 intersect distinct select 2
;;
-- case: group_by_distinct => GROUP BY DISTINCT
select v, count(*) from s.t group by distinct v
;;
-- case: order_using => ORDER BY … USING
select v from s.t order by v using >
;;
-- case: between_symmetric => BETWEEN SYMMETRIC
select v from s.t where v between symmetric 5 and 1
;;
-- case: overlaps_of_periods => OVERLAPS
select id from s.t where (a, b) overlaps (c, d)
;;
-- case: is_normalized => IS NORMALIZED
select v is normalized from s.t
;;
-- case: is_document => IS DOCUMENT
select v is document from s.t
;;
-- case: is_json => IS JSON
select v from s.t where v is json
;;
-- case: is_not_json => IS JSON
select v from s.t where v is not json
;;
-- case: merging_with => data-modifying WITH
with merged as (merge into s.t using s.u on t.id = u.id when matched then delete) select 1
;;
-- case: distance => <->
select a <-> b from s.t
;;
-- case: json_path_exists => @?
select payload @? '$.a' from s.t
;;
-- case: like_as_an_operator => ~~
select v ~~ 'a%' from s.t
;;
-- case: not_like_as_an_operator => !~~
select v !~~ 'a%' from s.t
;;
-- case: ilike_as_an_operator => ~~*
select v ~~* 'a%' from s.t
;;
-- case: not_ilike_as_an_operator => !~~*
select v !~~* 'a%' from s.t
;;
-- case: overriding_behind_columns => OVERRIDING
insert into s.t (id) overriding user value values (1)
;;
-- case: initially_deferred => DEFERRABLE
create table s.x (id int references s.t (id) initially deferred)
;;
-- case: variadic_literal => VARIADIC
select greatest(variadic '{1,2}')
;;
-- case: key_that_includes => INCLUDE
create table s.x (id int, v int, primary key (id) include (v))
;;
-- case: into_unlogged => UNLOGGED
select id into unlogged x from s.t
;;
-- case: current_role => CURRENT_ROLE
select current_role
;;
-- case: current_schema_without_brackets => CURRENT_SCHEMA()
select current_schema
;;
-- case: returning_behind_a_default => RETURNING
insert into s.t default values returning id
;;
-- case: returning_a_call => RETURNING
update s.t set v = upper(v) where id in (1, 2) returning (id), v
;;
-- case: including_storage => INCLUDING STORAGE
create table s.x (like s.t including storage)
;;
-- case: excluding_indexes => EXCLUDING INDEXES
create table s.x (like s.t including defaults excluding indexes)
;;
-- case: typed_jsonb => JSONB
select jsonb '{"a": 1}'
;;
-- case: typed_uuid => UUID
select id from s.t where id = uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'
;;
-- case: typed_inet => INET
select inet '10.0.0.1'
;;
-- case: array_column_with_a_length => array type
create table s.x (tags int[3])
;;
-- case: array_cast_with_a_length => array type
select cast(v as varchar(10)[4]) from s.t
;;
-- case: not_offered_weighs_less => REGEXP_MATCH()
select (regexp_match(v, 'b'))[1] from s.t
;;
-- case: not_offered_function_weighs_less => NOW()
select json_parse(v), now() from s.t
;;
-- case: dynamic_literal => ON CONFLICT
create procedure s.p() as $$
begin
    execute 'insert into s.t values (1) on conflict do nothing';
end
$$ language plpgsql
;;
-- case: dynamic_literal_in_dollars => NOW()
create procedure s.p() as $$ begin execute $x$insert into s.t select now();$x$; end $$ language plpgsql
;;
-- case: dynamic_pieces => RETURNING
create procedure s.p(name varchar(20)) as $$
begin
    execute 'delete from ' || quote_ident(name) || ' where v = ' || quote_literal(name) || ' returning *';
end
$$ language plpgsql
;;
-- case: dynamic_loop => FILTER
create procedure s.p() as $$
declare r record;
begin
    for r in execute 'select count(*) filter (where v > 1) as n from s.t' loop null; end loop;
end
$$ language plpgsql
;;
-- case: dynamic_commit => EXECUTE of COMMIT
create procedure s.p() as $$ begin execute 'commit'; end $$ language plpgsql
;;
-- case: dynamic_vacuum => VACUUM
create procedure s.p() as $$ begin execute 'vacuum s.t'; end $$ language plpgsql
;;
-- case: execute_using_in_a_loop => EXECUTE … USING
create procedure s.p() as $$
declare r record;
begin
    for r in execute 'select $1' using 1 loop null; end loop;
end
$$ language plpgsql
;;
-- case: open_execute_using => EXECUTE … USING
create procedure s.p() as $$ declare c refcursor; begin open c for execute 'select $1' using 1; end $$ language plpgsql
;;
-- case: create_database_in_a_procedure => CREATE DATABASE
create procedure s.p() as $$ begin create database d; end $$ language plpgsql
;;
-- case: external_table_in_a_procedure => CREATE EXTERNAL TABLE
create procedure s.p() as $$ begin create external table e.t (a int) location 's3://b/'; end $$ language plpgsql
;;
-- case: append_in_a_procedure => ALTER TABLE … APPEND
create procedure s.p() as $$ begin if true then alter table s.t append from s.u; end if; end $$ language plpgsql
;;
-- case: return_next => RETURN NEXT
create procedure s.p() as $$ begin return next; end $$ language plpgsql
;;
-- case: merge_without_into => MERGE
merge s.t using s.u on t.id = u.id when matched then delete when not matched then insert values (u.id)
;;
-- case: merge_into_only => MERGE INTO ONLY
merge into only s.t using s.u on t.id = u.id when matched then delete when not matched then insert values (u.id)
;;
-- case: merge_of_a_join => MERGE USING
merge into s.t using s.u join s.w on u.id = w.id on t.id = u.id
when matched then delete when not matched then insert values (u.id)
;;
-- case: merge_of_two_tables => MERGE USING
merge into s.t using s.u, s.w on t.id = u.id when matched then delete when not matched then insert values (u.id)
;;
-- case: merge_on_a_range => MERGE … ON … >
merge into s.t using s.u on (t.id = u.id and t.d > u.d)
when matched then delete when not matched then insert values (u.id)
;;
-- case: merge_on_either => MERGE … ON … OR
merge into s.t using s.u on t.id = u.id or t.v = u.v remove duplicates
;;
-- case: merge_inserts_a_query => MERGE … INSERT
merge into s.t using s.u on t.id = u.id when matched then delete when not matched then insert select u.id
;;
-- case: merge_inserts_defaults => MERGE … INSERT
merge into s.t using s.u on t.id = u.id when matched then delete when not matched then insert default values
;;
-- case: window_range_of_an_interval => RANGE
select sum(v) over (order by d range interval '7 days' preceding) from s.t
;;
-- case: window_named_with_a_frame => OVER name
select sum(v) over (w rows unbounded preceding) from s.t
;;
-- case: refresh_with_data => REFRESH … WITH
refresh materialized view s.v with data
;;
-- case: view_if_not_exists => CREATE VIEW IF NOT EXISTS
create view if not exists s.v as select 1 as n
;;
-- case: materialized_view_if_not_exists => CREATE VIEW IF NOT EXISTS
create materialized view if not exists s.v as select 1 as n
;;
-- case: alter_only => ALTER TABLE ONLY
alter table only s.t add column v int
;;
-- case: alter_set_schema => ALTER TABLE … SET SCHEMA
alter table s.t set schema w
;;
-- case: alter_set_parameters => ALTER TABLE … SET
alter table s.t set (fillfactor = 70)
;;
-- case: alter_rename_constraint => ALTER TABLE … RENAME CONSTRAINT
alter table s.t rename constraint a to b
;;
-- case: add_unique_column => ADD COLUMN … UNIQUE
alter table s.t add column v int unique
;;
-- case: add_key_column => ADD COLUMN … REFERENCES
alter table s.t add v int default 1 references s.u (id)
;;
-- case: layout_and_column => ALTER TABLE with several actions
alter table s.t alter sortkey (id), add column v int
;;
-- case: update_qualified_column => UPDATE … SET table.column
update s.t as x set v = 1, x.w = 2
;;
-- case: update_qualified_column_behind_with => UPDATE … SET table.column
with u as (select 1 as id) update s.t set t.v = u.id from u
;;
-- case: analyze_two_tables => ANALYZE
analyze s.t, s.u
;;
-- case: top_percent => TOP … PERCENT
select top 10 percent id from s.t
;;
-- case: recursion_in_the_second_table => recursive UNION
with recursive one as (select 1 as n), x (n) as (select 1 union select n + 1 from x where n < 5) select n from x
;;
-- case: reserved_table_alias => SNAPSHOT
select snapshot.id from s.t snapshot where snapshot.id = 1
;;
-- case: reserved_argument => TAG
select max(tag) from s.t
;;
-- case: reserved_in_the_middle_of_a_list => TAG
select id, tag, v from s.t
;;
-- case: reserved_second_assignment => TAG
update s.t set v = 1, tag = 2
;;
-- case: reserved_operand => TAG
select id from s.t where v = tag
;;
-- case: reserved_added_column => START
alter table s.t add column start date
;;
-- case: reserved_new_name => START
alter table s.t rename column v to start
;;
-- case: reserved_view_column => PARALLEL
create view s.v (parallel) as select 1
;;
-- case: reserved_view => PARALLEL
create or replace view parallel as select 1 as n
;;
-- case: reserved_column_of_with => ENABLE
with x (enable) as (select 1) select * from x
;;
-- case: reserved_parameter => LANGUAGE
create procedure s.p(language varchar(10)) as $$ begin null; end $$ language plpgsql
;;
-- case: reserved_variable => TAG
create procedure s.p() as $$ declare tag int; begin null; end $$ language plpgsql
;;
-- case: reserved_schema => BACKUP
create schema if not exists backup
;;
-- case: reserved_truncated_table => BACKUP
truncate table backup
;;
-- case: reserved_dropped_table => OFFLINE
drop table if exists s.t, offline
;;
-- case: reserved_copied_column => TAG
copy s.t (id, tag) from 's3://b/m' iam_role default parquet manifest
;;
-- case: view_with_local_check => WITH CHECK OPTION
create view s.v as select 1 as n with local check option
;;
-- case: view_with_cascaded_check => WITH CHECK OPTION
create view s.v as select 1 as n with cascaded check option
;;
-- case: match_full => MATCH FULL
create table s.x (id int references s.t (id) match full)
;;
-- case: match_simple => MATCH SIMPLE
create table s.x (id int references s.t match simple)
;;
-- case: table_as_table => TABLE
create table s.x as table s.t
;;
-- case: table_as_execute => CREATE TABLE AS EXECUTE
create table s.x as execute p
;;
-- case: cycle => CYCLE
with recursive x (n) as (select 1 union all select n + 1 from x) cycle n set is_cycle using path select n from x
;;
-- case: drop_function_without_types => DROP FUNCTION without arguments
drop function f_x
;;
-- case: table_without_columns => CREATE TABLE without columns
create table if not exists s.x ()
;;
-- case: grant_connect => GRANT CONNECT
grant connect on database d to u
;;
-- case: granted_by => GRANTED BY
grant select on s.t to u granted by v
;;
-- case: session_characteristics => SET SESSION CHARACTERISTICS
set session characteristics as transaction read only
;;
-- case: hypothetical_rank => RANK() WITHIN GROUP
select rank(1) within group (order by v) from s.t
;;
-- case: loop_by_two => FOR … BY
create procedure s.p() as $$ begin for i in 1..10 by 2 loop null; end loop; end $$ language plpgsql
;;
-- case: identity_of_text => IDENTITY
create table s.t (id varchar(10) identity(1, 1))
;;
-- case: identity_that_stands_still => IDENTITY
create table s.t (id bigint identity(1, 0))
;;
