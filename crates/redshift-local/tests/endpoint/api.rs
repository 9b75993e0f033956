//! Statuses, sub-statements, idempotency, cancellation, and requests that are refused.

use aws_sdk_redshiftdata::error::ProvideErrorMetadata;
use aws_sdk_redshiftdata::types::{SqlParameter, StatusString};

use crate::support::Warehouse;

fn parameter(name: &str, value: &str) -> SqlParameter {
    SqlParameter::builder().name(name).value(value).build().expect("parameter")
}

#[tokio::test]
async fn a_client_token_runs_a_statement_once() {
    let warehouse = Warehouse::start("client_token").await;
    warehouse.apply(&["create table public.runs (n int)"]).await;
    let submit = async |token: &str| {
        let call = warehouse.client.execute_statement().workgroup_name("main").database("client_token");
        let submitted = call.sql("insert into runs values (1)").client_token(token).send().await;
        let id = submitted.expect("submit").id.expect("id");
        assert!(warehouse.end(&id).await.is_finished());
        id
    };
    let first = submit("one").await;
    assert_eq!(submit("one").await, first);
    assert_ne!(submit("two").await, first);
    assert_eq!(warehouse.value("select count(*) from runs").await, "2");
}

#[tokio::test]
async fn a_batch_tells_what_each_statement_did() {
    let warehouse = Warehouse::start("batch_records").await;
    let id = warehouse
        .submit_batch(&["create table public.t (a int)", "insert into t values (1), (2)", "select a from t order by a"])
        .await;
    let batch = warehouse.end(&id).await;
    assert_eq!((batch.status(), batch.0.has_result_set), ("FINISHED", Some(true)));
    let subs = batch.0.sub_statements();
    assert_eq!(subs.iter().map(|sub| sub.id.clone()).collect::<Vec<_>>(), [1, 2, 3].map(|n| format!("{id}:{n}")));
    assert_eq!((subs[1].result_rows, subs[2].has_result_set), (2, Some(true)));
    assert_eq!(warehouse.result(&format!("{id}:3")).await, [["1"], ["2"]]);
}

#[tokio::test]
async fn a_failed_batch_names_the_statement_and_aborts_the_rest() {
    let warehouse = Warehouse::start("failed_batch").await;
    let batch = warehouse.run_batch(&["select 1", "select 1 / 0", "select 2"]).await;
    assert_eq!((batch.status(), batch.sub_statuses()), ("FAILED", vec!["FINISHED", "FAILED", "ABORTED"]));
    assert!(batch.error().starts_with("Query #2 failed with ERROR: division by zero"), "{}", batch.error());
}

#[tokio::test]
async fn cancelling_stops_the_query() {
    let warehouse = Warehouse::start("cancel").await;
    let id = warehouse.submit("select pg_sleep(600)").await;
    warehouse.wait(&id, |status| *status == StatusString::Started).await;
    assert_eq!(warehouse.client.cancel_statement().id(&id).send().await.expect("cancel").status, Some(true));
    assert_eq!(warehouse.end(&id).await.status(), "ABORTED");
    let again = warehouse.client.cancel_statement().id(&id).send().await.expect_err("it has ended");
    assert_eq!(again.code(), Some("ValidationException"));
}

#[tokio::test]
async fn statements_are_listed_by_name_and_status() {
    let warehouse = Warehouse::start("listing").await;
    for (name, sql) in [("load-1", "select 1"), ("load-2", "select 1 / 0"), ("other", "select 1")] {
        let call = warehouse.client.execute_statement().workgroup_name("main").database("listing");
        let id = call.sql(sql).statement_name(name).send().await.expect("submit").id.expect("id");
        warehouse.end(&id).await;
    }
    let named = async |status: Option<StatusString>| {
        let list = warehouse.client.list_statements().statement_name("load-").set_status(status).send().await;
        list.expect("list").statements.len()
    };
    assert_eq!(named(None).await, 1, "only what finished, unless asked otherwise");
    assert_eq!(named(Some(StatusString::All)).await, 2);
    assert_eq!(named(Some(StatusString::Failed)).await, 1);
}

#[tokio::test]
async fn parameters_are_text_that_the_statement_types() {
    let warehouse = Warehouse::start("parameters").await;
    let call = warehouse.client.execute_statement().workgroup_name("main").database("parameters");
    let sql = "select cast(:n as bigint) + 1, :t, ':n', :n::smallint -- :n";
    let id = call.sql(sql).parameters(parameter("n", "41")).parameters(parameter("t", r"it's \a")).send().await;
    let id = id.expect("submit").id.expect("id");
    assert!(warehouse.end(&id).await.is_finished());
    assert_eq!(warehouse.result(&id).await, [["42", r"it's \a", ":n", "41"]]);
}

#[tokio::test]
async fn requests_that_the_service_refuses_are_refused() {
    let warehouse = Warehouse::start("refused_requests").await;
    let call = || warehouse.client.execute_statement().workgroup_name("main").database("refused_requests");
    let long = format!("select '{}'", "x".repeat(100 * 1024));
    for (what, request) in [
        ("an unused parameter", call().sql("select 1").parameters(parameter("n", "1"))),
        ("an empty value", call().sql("select :n").parameters(parameter("n", ""))),
        ("a long statement", call().sql(long)),
        ("an empty statement", call().sql(" ")),
        ("two targets", call().sql("select 1").cluster_identifier("c")),
    ] {
        let error = request.send().await.expect_err(what);
        assert_eq!(error.code(), Some("ValidationException"), "{what}: {error:?}");
    }
    let many = vec!["select 1".to_owned(); 41];
    let batch = warehouse.client.batch_execute_statement().workgroup_name("main").database("refused_requests");
    assert!(batch.set_sqls(Some(many)).send().await.is_err());
    let unknown = "00000000-0000-4000-8000-000000000000";
    let error = warehouse.client.describe_statement().id(unknown).send().await.expect_err("unknown id");
    assert_eq!(error.code(), Some("ResourceNotFoundException"));
}

#[tokio::test]
async fn one_call_is_one_statement() {
    let warehouse = Warehouse::start("one_statement").await;
    let error = warehouse.error("select 1; select 2").await;
    assert!(error.contains("cannot insert multiple commands into a prepared statement"), "{error}");
    assert_eq!(warehouse.value("select 1 ;").await, "1");
}

/// The documentation's example of a batch: `select 1; select 2;`.
#[tokio::test]
async fn a_batch_tells_the_sums_of_its_statements() {
    let warehouse = Warehouse::start("batch_sums").await;
    let batch = warehouse.run_batch(&["select 1;", "select 2;"]).await.0;
    assert_eq!((batch.result_rows, batch.result_size, batch.redshift_query_id), (2, 22, 0));
    let subs: Vec<_> = batch.sub_statements().iter().map(|sub| (sub.result_size, sub.redshift_query_id)).collect();
    assert_eq!(subs, [(11, -1), (11, -1)]);
}

#[tokio::test]
async fn only_queries_have_an_id() {
    let warehouse = Warehouse::start("query_ids").await;
    warehouse.apply(&["create table public.t (a int)"]).await;
    for (sql, has_id) in [
        ("select a from t", true),
        ("insert into t values (1)", true),
        ("select extract(year from getdate())", false),
        ("set query_group to 'x'", false),
        ("show query_group", false),
        ("select now()", false),
    ] {
        let query_id = warehouse.run(sql).await.0.redshift_query_id;
        assert_eq!(query_id > 0, has_id, "{sql}: {query_id}");
        assert!(has_id || query_id == -1, "{sql}: {query_id}");
    }
}

#[tokio::test]
async fn pages_do_not_shift_when_statements_come() {
    let warehouse = Warehouse::start("listing_pages").await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(warehouse.run("select 1").await.0.id);
    }
    ids.reverse();
    let page = async |token: Option<String>| {
        let list = warehouse.client.list_statements().max_results(2).set_next_token(token).send().await.expect("list");
        (list.statements.into_iter().map(|it| it.id).collect::<Vec<_>>(), list.next_token)
    };
    let (first, token) = page(None).await;
    assert_eq!(first, ids[..2]);
    warehouse.apply(&["select 1"]).await;
    assert_eq!(page(token).await, (ids[2..].to_vec(), None));
}
