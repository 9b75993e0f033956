//! Views WITH NO SCHEMA BINDING find their tables when they are read.

use crate::support::Warehouse;

#[tokio::test]
async fn a_view_is_made_before_its_table_and_outlives_it() {
    let warehouse = Warehouse::start("late_binding").await;
    warehouse
        .apply(&[
            "create view public.prices as select id, price * 2 as doubled from public.listing with no schema binding",
        ])
        .await;
    assert!(warehouse.error("select * from prices").await.contains("relation \"public.listing\" does not exist"));
    warehouse
        .apply(&["create table listing (id int, price int)", "insert into public.listing values (1, 10), (2, 20)"])
        .await;
    assert_eq!(warehouse.rows("select * from prices order by id").await, [["1", "20"], ["2", "40"]]);
    // The table may go and come back with another shape.
    warehouse.apply(&["drop table listing", "create table listing (price decimal(8, 2), id bigint)"]).await;
    warehouse.apply(&["insert into listing values (1.25, 7)"]).await;
    assert_eq!(warehouse.rows("select doubled, id from public.prices").await, [["2.50", "7"]]);
    warehouse.apply(&["drop view prices"]).await;
    assert!(warehouse.error("select * from prices").await.contains("\"prices\" does not exist"));
}

#[tokio::test]
async fn a_view_is_read_wherever_a_table_is() {
    let warehouse = Warehouse::start("late_binding_places").await;
    warehouse
        .apply(&[
            "create schema market",
            "create table market.listing (id int, city varchar(20))",
            "insert into market.listing values (1, 'Bern'), (2, 'Basel')",
            "create view market.cities (number, town) as select id, city from market.listing -- all of them
             with no schema binding",
            "create view market.last_city as select market.cities.town from market.cities
             where market.cities.number = 2 with no schema binding",
            "create table market.town_copy as select * from market.cities",
        ])
        .await;
    for (sql, expected) in [
        ("select market.cities.town from market.cities where market.cities.number = 1", "Bern"),
        ("select c.town from market.cities c join market.last_city using (town)", "Basel"),
        (
            "select cities.town from market.town_copy t, market.cities where cities.number = t.number and t.number < 2",
            "Bern",
        ),
        ("with cities as (select 'shadow' as town) select town from cities", "shadow"),
        (
            "select max(town) from (select town from market.cities union all select town from market.last_city) as towns",
            "Bern",
        ),
        ("select count(*) from market.listing where city in (select town from market.last_city)", "1"),
        ("select town from market.cities as cities qualify row_number() over (order by number desc) = 1", "Basel"),
    ] {
        assert_eq!(warehouse.value(sql).await, expected, "{sql}");
    }
    let body = "create procedure market.copy_last() as $$ begin
                    insert into market.listing select 3, town from market.last_city;
                end; $$ language plpgsql";
    warehouse.apply(&[body, "call market.copy_last()"]).await;
    assert_eq!(warehouse.value("select city from market.listing where id = 3").await, "Basel");
    let batch = warehouse
        .run_batch(&[
            "create or replace view market.last_city as select 'none' as nothing, 1 as n from market.listing with no schema binding",
            "insert into market.listing select n, nothing from market.last_city limit 1",
            "select broken from market.listing",
        ])
        .await;
    assert!(batch.error().starts_with("Query #3 failed"), "{}", batch.error());
    assert_eq!(warehouse.value("select town from market.last_city").await, "Basel");
}

#[tokio::test]
async fn a_view_replaces_one_of_another_shape() {
    let warehouse = Warehouse::start("late_binding_replaced").await;
    warehouse
        .apply(&[
            "create table public.t (a int, b int)",
            "create view public.v as select a from public.t",
            "create or replace view public.v as select b, a from public.t with no schema binding",
            "create or replace view public.v as select 'x' as text, b from public.t with no schema binding",
            "insert into public.t values (1, 2)",
        ])
        .await;
    assert_eq!(warehouse.rows("select * from v").await, [["x", "2"]]);
    let described =
        warehouse.client.describe_table().workgroup_name("main").database(&warehouse.database).table("v").send().await;
    let columns = described.expect("describe").column_list.unwrap_or_default();
    let names: Vec<_> = columns.iter().filter_map(|column| column.name.as_deref()).collect();
    assert_eq!(names, ["text", "b"]);
    let itself = "create or replace view public.v as select * from public.v with no schema binding";
    warehouse.apply(&[itself]).await;
    assert!(warehouse.error("select * from v").await.contains("nested more than 32 deep"));
}

#[tokio::test]
async fn views_that_double_with_each_level_end_in_an_error() {
    let warehouse = Warehouse::start("late_binding_doubled").await;
    warehouse.apply(&["create view public.v0 as select 1 as n from pg_catalog.pg_class with no schema binding"]).await;
    for level in 1..=20 {
        let below = level - 1;
        warehouse
            .apply(&[&format!(
                "create view public.v{level} as select a.n from public.v{below} a, public.v{below} b with no schema binding"
            )])
            .await;
    }
    assert!(warehouse.error("select * from v20").await.contains("more than 1 MB"));
}
