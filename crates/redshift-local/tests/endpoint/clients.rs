//! Clients that are not ours, unchanged: boto3, the AWS CLI and awswrangler. The endpoint checks how they sign.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;

use aws_sdk_redshiftdata::config::Credentials;
use serde_json::{Value, json};

use crate::support::{Warehouse, python};

const KEY: &str = "AKIAIOSFODNN7CLIENT0";
const SECRET: &str = "their secret";

async fn start(database: &str) -> Warehouse {
    Warehouse::start_with_credentials(database, Credentials::new(KEY, SECRET, None, None, "tests")).await
}

/// Runs a program against the warehouse; its output is JSON.
async fn run<S: AsRef<OsStr>>(
    warehouse: &Warehouse,
    program: PathBuf,
    arguments: impl IntoIterator<Item = S>,
) -> Value {
    let mut command = Command::new(&program);
    command
        .args(arguments)
        .env("AWS_ENDPOINT_URL_REDSHIFT_DATA", &warehouse.endpoint)
        .env("AWS_ACCESS_KEY_ID", KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_PAGER", "");
    let output = tokio::task::spawn_blocking(move || command.output()).await.expect("join").expect("run the client");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{} failed: {said}", program.display());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {output:?}"))
}

const BOTO3: &str = r#"
import json, sys, time
import boto3
from botocore.exceptions import ClientError

client = boto3.client("redshift-data")
target = {"WorkgroupName": "main", "Database": sys.argv[1]}

def finish(id):
    while (statement := client.describe_statement(Id=id))["Status"] in ("SUBMITTED", "PICKED", "STARTED"):
        time.sleep(0.01)
    return statement

batch = client.batch_execute_statement(
    Sqls=["create table public.t (k int, price decimal(8, 2), seen timestamp)",
          "insert into t values (1, 9.5, '2024-02-29 12:00:00'), (2, null, null)"], **target)
batch = finish(batch["Id"])
one = client.execute_statement(
    Sql="select * from t where k = :k::int", Parameters=[{"name": "k", "value": "1"}], StatementName="one", **target)
described = finish(one["Id"])
result = client.get_statement_result(Id=one["Id"])
pages = client.get_paginator("get_statement_result")
long = client.execute_statement(
    Sql="select rpad(d::varchar, 3000, 'x') from (select row_number() over () as d from pg_class a, pg_class b) as n "
        "where d <= 1500", **target)
finish(long["Id"])
failed = finish(client.execute_statement(Sql="select nothing from t", **target)["Id"])
try:
    client.get_statement_result(Id=failed["Id"])
except ClientError as error:
    refused = [error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]]
print(json.dumps({
    "batch": [batch["Status"]] + [sub["Status"] for sub in batch["SubStatements"]],
    "records": result["Records"],
    "types": [column["typeName"] for column in result["ColumnMetadata"]],
    "rows": described["ResultRows"],
    "timed": described["Duration"] > 0 and described["CreatedAt"] <= described["UpdatedAt"],
    "listed": [statement["StatementName"] for statement in
               client.list_statements(StatementName="o", Status="ALL")["Statements"]],
    "paged": [len(page["Records"]) > 0 for page in pages.paginate(Id=long["Id"])].count(True) > 1,
    "total": sum(len(page["Records"]) for page in pages.paginate(Id=long["Id"])),
    "failed": [failed["Status"], failed["Error"].split("\n")[0]],
    "refused": refused,
}))
"#;

#[tokio::test]
async fn boto3_works_unchanged() {
    let warehouse = start("boto3").await;
    let seen = run(&warehouse, python::program("python"), ["-c", BOTO3, &warehouse.database]).await;
    let expected = json!({
        "batch": ["FINISHED", "FINISHED", "FINISHED"],
        "records": [[{ "longValue": 1 }, { "stringValue": "9.50" }, { "stringValue": "2024-02-29 12:00:00.0" }]],
        "types": ["int4", "numeric", "timestamp"],
        "rows": 1,
        "timed": true,
        "listed": ["one"],
        "paged": true,
        "total": 1500,
        "failed": ["FAILED", "ERROR: column \"nothing\" does not exist"],
        "refused": ["ResourceNotFoundException", 400],
    });
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn the_aws_cli_works_unchanged() {
    let warehouse = start("aws_cli").await;
    let aws = async |arguments: &[&str]| {
        let arguments = ["redshift-data", "--output", "json"].iter().chain(arguments).map(|it| (*it).to_owned());
        run(&warehouse, python::program("aws"), arguments.collect::<Vec<_>>()).await
    };
    let target = ["--workgroup-name", "main", "--database", &warehouse.database];
    let id = async |arguments: &[&str]| {
        let submitted = aws(&[arguments, &target].concat()).await;
        submitted["Id"].as_str().expect("id").to_owned()
    };
    let batch = id(&[
        "batch-execute-statement",
        "--sqls",
        "create table public.t (v varchar(20))",
        "insert into t values ('a')",
    ]);
    assert!(warehouse.end(&batch.await).await.is_finished());
    let one = id(&["execute-statement", "--sql", "select v, :n::int from t", "--parameters", "name=n,value=7"]).await;
    assert!(warehouse.end(&one).await.is_finished());
    assert_eq!(aws(&["describe-statement", "--id", &one]).await["Status"], "FINISHED");
    let result = aws(&["get-statement-result", "--id", &one]).await;
    assert_eq!(result["Records"], json!([[{ "stringValue": "a" }, { "longValue": 7 }]]));
    let listed = aws(&["list-statements", "--status", "ALL"]).await;
    assert_eq!(listed["Statements"].as_array().map(Vec::len), Some(2));
}

const AWSWRANGLER: &str = r#"
import json, sys
import awswrangler as wr

workgroup = wr.data_api.redshift.connect(workgroup_name="main", database=sys.argv[1])
nothing = wr.data_api.redshift.read_sql_query(
    "create table public.stays (id bigint, price decimal(8, 2), checkin date, paid boolean)", con=workgroup)
wr.data_api.redshift.read_sql_query(
    "insert into public.stays values (1, 9.5, '2024-02-29', true), (2, null, null, null)", con=workgroup)
cluster = wr.data_api.redshift.connect(cluster_id="c", database=sys.argv[1], db_user="reader")
stays = wr.data_api.redshift.read_sql_query("select * from public.stays order by id", con=cluster)
chosen = wr.data_api.redshift.read_sql_query(
    "select count(*) as n from public.stays where id > :id::bigint", con=workgroup, parameters=[{"name": "id", "value": "1"}])
try:
    wr.data_api.redshift.read_sql_query("select nothing from public.stays", con=workgroup)
except Exception as error:
    failed = [type(error).__name__, 'column "nothing" does not exist' in str(error)]
print(json.dumps({
    "nothing": nothing.empty,
    "columns": list(stays.columns),
    "first": [str(value) for value in stays.iloc[0]],
    "missing": bool(stays.iloc[1][1:].isna().all()),
    "chosen": int(chosen["n"][0]),
    "failed": failed,
}))
"#;

#[tokio::test]
async fn awswrangler_works_unchanged() {
    let warehouse = start("awswrangler").await;
    let python = tokio::task::spawn_blocking(python::python_with_awswrangler).await.expect("make the environment");
    let seen = run(&warehouse, python, ["-c", AWSWRANGLER, &warehouse.database]).await;
    let expected = json!({
        "nothing": true,
        "columns": ["id", "price", "checkin", "paid"],
        "first": ["1", "9.50", "2024-02-29", "True"],
        "missing": true,
        "chosen": 1,
        "failed": ["RedshiftDataApiFailedException", true],
    });
    assert_eq!(seen, expected);
}
