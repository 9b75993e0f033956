//! Aliases of a SELECT list inside the same list.

use crate::support::Warehouse;

async fn start(name: &str) -> Warehouse {
    let warehouse = Warehouse::start(name).await;
    warehouse
        .apply(&[
            "create table public.clicks (clicks int, impressions int, probability int)",
            "insert into clicks values (1, 4, 7)",
        ])
        .await;
    warehouse
}

#[tokio::test]
async fn an_alias_stands_for_its_expression_wherever_the_list_is() {
    let warehouse = start("aliases").await;
    let list = "select clicks * 2 as doubled, doubled + 1 as more, more * 10 as most";
    warehouse
        .apply(&[
            &format!("create view public.seen as {list} from public.clicks"),
            &format!("create table public.kept as {list} from public.clicks"),
            "insert into kept select clicks as one, one + 1, (one + 1) * 2 from clicks",
            "create procedure public.sp_add() as $$ declare n int; begin
                select into n most from (select clicks as many, many * 1000 as most from clicks) x;
                insert into kept values (n, n, n);
            end $$ language plpgsql",
            "call sp_add()",
        ])
        .await;
    assert_eq!(warehouse.rows("select * from seen").await, [["2", "3", "30"]]);
    let kept = warehouse.rows("select * from kept order by 1").await;
    assert_eq!(kept, [["1", "2", "4"], ["2", "3", "30"], ["1000", "1000", "1000"]]);
    let with_subquery = "select sub.y from (select impressions as x, x + 1 as y from clicks) sub";
    assert_eq!(warehouse.value(with_subquery).await, "5");
}

#[tokio::test]
async fn a_column_in_from_wins_over_an_alias() {
    let warehouse = start("alias_or_column").await;
    let sql = "select clicks / impressions as probability, probability + 1 from clicks";
    assert_eq!(warehouse.rows(sql).await, [["0", "8"]]);
    let sql = "select clicks + 1 as odds, odds + probability as sum, sum * 2 from clicks";
    assert_eq!(warehouse.rows(sql).await, [["2", "9", "18"]]);
}

#[tokio::test]
async fn an_alias_leaves_the_transaction_of_a_batch_alone() {
    let warehouse = start("alias_batch").await;
    let id = warehouse
        .submit_batch(&[
            "insert into clicks values (5, 5, 5)",
            "select count(*) as total, total + 1 as next from clicks",
            "insert into clicks values (6, 6, 6)",
        ])
        .await;
    let statement = warehouse.end(&id).await;
    assert!(statement.is_finished(), "{}", statement.error());
    assert_eq!(warehouse.result(&format!("{id}:2")).await, [["2", "3"]]);
    assert_eq!(warehouse.value("select count(*) from clicks").await, "3");
}

#[tokio::test]
async fn an_alias_is_unknown_outside_the_list_and_before_its_place() {
    let warehouse = start("alias_scope").await;
    for sql in [
        "select clicks as one, one + 1 as two from clicks where one = 1",
        "select one + 1 as two, clicks as one from clicks",
        "select clicks as one, (select max(impressions) from clicks where one = impressions) from clicks",
        "select clicks as one, clicks.one from clicks",
    ] {
        let error = warehouse.error(sql).await;
        assert!(error.contains("one") && error.contains("does not exist"), "{sql}: {error}");
    }
}
