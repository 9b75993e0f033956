//! What no client of AWS sends. Every request has an answer, 4xx where it is at fault, and the endpoint goes on.

use aws_sdk_redshiftdata::operation::RequestId;

use crate::support::{Random, Warehouse};

const OPERATIONS: &[&str] = &[
    "ExecuteStatement",
    "BatchExecuteStatement",
    "DescribeStatement",
    "GetStatementResult",
    "GetStatementResultV2",
    "ListStatements",
    "CancelStatement",
    "ListDatabases",
    "ListSchemas",
    "ListTables",
    "DescribeTable",
    "ListSessions",
    "Nothing",
    "",
];

/// Valid requests, to be mutilated.
const BODIES: &[&str] = &[
    r#"{"Sql":"select 1","WorkgroupName":"main","Database":"garbage","Parameters":[{"name":"a","value":"b"}]}"#,
    r#"{"Sqls":["select 1"],"ClusterIdentifier":"c","Database":"garbage","ClientToken":"t","WithEvent":false}"#,
    r#"{"Id":"00000000-0000-4000-8000-000000000000:1","NextToken":"3","WaitTimeSeconds":1}"#,
    r#"{"Status":"ALL","MaxResults":5,"NextToken":"x","StatementName":"n"}"#,
];

#[tokio::test]
async fn garbage_is_refused_and_the_endpoint_goes_on() {
    let warehouse = Warehouse::start("garbage").await;
    let mut random = Random::seeded();
    for _ in 0..2_000 {
        let operation = OPERATIONS[random.below(OPERATIONS.len())];
        let mut body = BODIES[random.below(BODIES.len())].as_bytes().to_vec();
        if random.below(4) == 0 {
            body = random.bytes(400);
        } else {
            random.mutilate(&mut body);
        }
        let (status, answer) = warehouse.post(format!("RedshiftData.{operation}").as_bytes(), &body).await;
        assert!((200..500).contains(&status), "{status} {answer} for {operation} {}", String::from_utf8_lossy(&body));
    }
    assert_eq!(warehouse.value("select 1").await, "1");
}

#[tokio::test]
async fn faults_of_a_request_have_their_names() {
    let warehouse = Warehouse::start("faulty_requests").await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!(r#"{{"Sql":"{}"}}"#, "x".repeat(8 * 1024 * 1024));
    for (target, body, expected) in [
        ("RedshiftData.ExecuteStatement", "", "SerializationException"),
        ("RedshiftData.ExecuteStatement", "{", "SerializationException"),
        ("RedshiftData.ExecuteStatement", "[]", "SerializationException"),
        ("RedshiftData.ExecuteStatement", r#"["select 1",null,"faulty_requests","main"]"#, "SerializationException"),
        ("RedshiftData.ExecuteStatement", deep.as_str(), "SerializationException"),
        ("RedshiftData.ExecuteStatement", r#"{"Sql":1}"#, "SerializationException"),
        ("RedshiftData.ExecuteStatement", "{}", "ValidationException"),
        ("RedshiftData.DescribeStatement", r#"{"Id":"x"}"#, "ValidationException"),
        ("RedshiftData.DescribeStatement", "{}", "ValidationException"),
        (
            "RedshiftData.DescribeStatement",
            r#"{"Id":"00000000-0000-4000-8000-000000000000","WaitTimeSeconds":-1}"#,
            "Validation",
        ),
        (
            "RedshiftData.ExecuteStatement",
            r#"{"Sql":"select :a","WorkgroupName":"main","Database":"faulty_requests","Parameters":[{"name":"a"}]}"#,
            "ValidationException",
        ),
        (
            "RedshiftData.ExecuteStatement",
            r#"{"Sql":"select 1","WorkgroupName":"main","Database":"faulty_requests","WaitTimeSeconds":-1}"#,
            "ValidationException",
        ),
        ("RedshiftData.ListStatements", r#"{"MaxResults":101}"#, "ValidationException"),
        (
            "RedshiftData.DescribeTable",
            r#"{"WorkgroupName":"main","Database":"faulty_requests","Schema":"a\u0000b","Table":"t"}"#,
            "ValidationException",
        ),
        ("RedshiftData.Nothing", "{}", "UnknownOperationException"),
        ("RedshiftDataXExecuteStatement", "{}", "UnknownOperationException"),
        ("DynamoDB_20120810.ListTables", "{}", "UnknownOperationException"),
        ("ExecuteStatement", "{}", "UnknownOperationException"),
    ] {
        let (status, answer) = warehouse.post(target.as_bytes(), body.as_bytes()).await;
        assert_eq!(status, 400, "{target}: {answer}");
        assert!(answer.contains(expected), "{target} {}: {answer}", &body[..body.len().min(40)]);
    }
    let (status, answer) = warehouse.post(b"RedshiftData.ExecuteStatement", large.as_bytes()).await;
    assert_eq!(status, 413);
    // Whoever is still sending may not get to read it.
    assert!(answer.is_empty() || answer.contains("RequestEntityTooLargeException"), "{answer}");
    assert_eq!(warehouse.post(b"\xff\xfe", b"{}").await.0, 400);
    assert_eq!(warehouse.value("select 1").await, "1");
}

#[tokio::test]
async fn every_answer_has_a_request_id() {
    let warehouse = Warehouse::start("request_ids").await;
    let listed = warehouse.client.list_statements().send().await.expect("list");
    assert!(listed.request_id().is_some());
    let refused = warehouse.client.describe_statement().id("x").send().await.expect_err("no id");
    assert!(refused.request_id().is_some());
}
