//! Quotients and averages of DECIMAL values have the precision and scale of Redshift's rules.

use crate::support::Warehouse;

async fn start(name: &str) -> Warehouse {
    let warehouse = Warehouse::start(name).await;
    warehouse
        .apply(&[
            "create table public.sale (id int, pricepaid decimal(8,2), commission decimal(8,2), qty smallint, city varchar(9))",
            "insert into sale values (1, 20.00, 3.00, 3, 'Bern'), (2, 5.00, 0.75, 2, 'Bern'), (3, -2.00, 3.00, 7, 'Basel')",
        ])
        .await;
    warehouse
}

#[tokio::test]
async fn quotients_are_sized_wherever_they_stand() {
    let warehouse = start("quotients").await;
    for (sql, expected) in [
        // DECIMAL(17,9), as the guide computes it; the last digit is cut.
        ("select pricepaid / commission from sale where id = 1", "6.666666666"),
        ("select pricepaid / commission from sale where id = 3", "-0.666666666"),
        ("select -pricepaid / commission from sale where id = 3", "0.666666666"),
        // An INTEGER is DECIMAL(10,0), a SMALLINT DECIMAL(5,0), a literal has its own digits.
        ("select pricepaid / 3 from sale where id = 1", "6.6666666666666"),
        ("select pricepaid / qty from sale where id = 1", "6.66666666"),
        ("select 2.0 / 3.0", "0.6666"),
        ("select 100 * pricepaid / 3.0 from sale where id = 1", "666.6666"),
        ("select pricepaid / 3.0 / 3.0 from sale where id = 1", "2.222200"),
        ("select 20.00 / (pricepaid / commission) from sale where id = 1", "3.00000000030"),
        // Through subqueries, common table expressions, joins and unions.
        ("select p / 3.0 from (select pricepaid as p from sale) as s order by 1 desc limit 1", "6.6666"),
        ("with s as (select sum(pricepaid) as p, count(*) as n from sale) select p / n from s", "7.6666"),
        ("select b.pricepaid / a.commission from sale a join sale b using (id) where a.id = 1", "6.666666666"),
        (
            "select v / 3.0 from (select 20.00 as v union all select pricepaid / 3.0 from sale where id = 0) u",
            "6.666666",
        ),
        ("select (select max(pricepaid) from sale) / 3.0", "6.6666"),
        // Through functions that keep or change a scale.
        ("select round(pricepaid, 1) / 3.0 from sale where id = 1", "6.6666"),
        ("select coalesce(pricepaid, 0) / nullif(commission, 0) from sale where id = 1", "6.666666666"),
        ("select case when qty > 2 then pricepaid else 0.5 end / 3.0 from sale where id = 1", "6.6666"),
        ("select sum(pricepaid) over (order by id rows unbounded preceding) / 3.0 from sale where id = 1", "6.6666"),
        ("select id from sale order by pricepaid / commission limit 1", "3"),
        ("select count(*) from sale group by city, qty / 2.0 having sum(pricepaid) / 3.0 > 6", "1"),
        // PostgreSQL reads BETWEEN and IN as several comparisons, and keys that repeat an item as that item.
        ("select count(*) from sale where pricepaid / commission between 6 and 7", "2"),
        ("select count(*) from sale where pricepaid / commission in (commission / pricepaid, 6.666666666)", "2"),
        (
            "select max(n) from (select pricepaid / commission, count(*) as n from sale group by pricepaid / commission) s",
            "2",
        ),
        (
            "select round(pricepaid/3.0, 1) from sale group by round( pricepaid / 3.0, 1) order by round(pricepaid / 3.0,1) limit 1",
            "-0.7",
        ),
        ("select max(q) from (select distinct pricepaid / 3.0 as q from sale order by pricepaid / 3.0) s", "6.6666"),
        (
            "select max(a) from (select avg(pricepaid) as a from sale group by city order by avg(pricepaid) limit 1) s",
            "-2.00",
        ),
        ("select cast(pricepaid / commission as decimal(6, 2)) from sale where id = 1", "6.67"),
        ("select listagg(pricepaid / 3.0, ' ') within group (order by id) from sale where id < 3", "6.6666 1.6666"),
    ] {
        assert_eq!(warehouse.value(sql).await, expected, "{sql}");
    }
    // Other divisions are what they were.
    for (sql, expected) in
        [("select 7 / 2", "3"), ("select 1.0::float / 3", "0.3333333333333333"), ("select 'a/b'", "a/b")]
    {
        assert_eq!(warehouse.value(sql).await, expected, "{sql}");
    }
    assert!(warehouse.error("select pricepaid / 0 from sale").await.contains("division by zero"));
    assert!(warehouse.error("select nothing / 3.0 from sale").await.contains("column \"nothing\" does not exist"));
}

#[tokio::test]
async fn averages_keep_the_scale_of_their_column() {
    let warehouse = start("averages").await;
    for (sql, expected) in [
        ("select avg(pricepaid) from sale", "7.66"),
        ("select avg(distinct commission) from sale", "1.87"),
        ("select avg(pricepaid) over (partition by city) from sale where id = 1", "20.00"),
        ("select avg(pricepaid) / 3.0 from sale", "2.5533"),
        ("select avg(qty) from sale", "4"),
        ("select avg(pricepaid / commission) from sale", "4.222222222"),
        ("select cast(avg(pricepaid::decimal(12, 6)) as decimal(12, 4)) from sale", "7.6667"),
    ] {
        assert_eq!(warehouse.value(sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn statements_that_change_tables_size_their_quotients() {
    let warehouse = start("sized_changes").await;
    warehouse
        .apply(&[
            "create table ratio as select id, pricepaid / commission as share from sale",
            "create table kept (share decimal(20, 12))",
            "insert into kept select pricepaid / commission from sale where id = 1",
            "update kept set share = share + sale.pricepaid / 3.0 from sale where sale.id = 1",
            "create view shares as select avg(share) as share from ratio",
            "create view public.late as select pricepaid / 3.0 as share from public.sale with no schema binding",
            "delete from sale where id = 1 and pricepaid / commission > 6.6",
        ])
        .await;
    assert_eq!(warehouse.value("select share from ratio where id = 1").await, "6.666666666");
    assert_eq!(warehouse.value("select share from kept").await, "13.333266666000");
    assert_eq!(warehouse.value("select share from shares").await, "4.222222222");
    assert_eq!(warehouse.rows("select share from late order by 1").await, [["-0.6666"], ["1.6666"]]);
    assert_eq!(
        warehouse
            .rows("select numeric_precision, numeric_scale from svv_columns where table_name = 'ratio' and column_name = 'share'")
            .await,
        [["17", "9"]]
    );
    let body = "create procedure public.share(divisor decimal(4, 1), inout share decimal(20, 10)) as $$
        begin
            select into share sum(pricepaid) / divisor from sale where pricepaid / divisor > 0;
        end; $$ language plpgsql";
    warehouse.apply(&[body]).await;
    assert_eq!(warehouse.value("call share(3.0, null)").await, "1.6666");
}

/// The question about a statement neither ends its transaction nor takes its snapshot before the lock is there.
#[tokio::test]
async fn a_batch_goes_on_behind_the_question() {
    let warehouse = start("sized_batch").await;
    let id = warehouse
        .submit_batch(&[
            "lock sale",
            "create temp table part (share decimal(17, 9))",
            "insert into part select pricepaid / commission from sale",
            "select sum(share) / 2.0 from part",
        ])
        .await;
    assert!(warehouse.end(&id).await.is_finished(), "{}", warehouse.end(&id).await.error());
    assert_eq!(warehouse.result(&format!("{id}:4")).await, [["6.33333333"]]);
    let failed = warehouse.run_batch(&["update sale set qty = 1", "select nothing / 3.0 from sale"]).await;
    assert!(failed.error().contains("\"nothing\" does not exist"), "{}", failed.error());
    assert_eq!(warehouse.value("select max(qty) from sale").await, "7");
}
