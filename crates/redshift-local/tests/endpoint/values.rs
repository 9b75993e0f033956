//! What functions and expressions give, statement by statement, from `tests/dialect/values.txt`.

use crate::support::Warehouse;

const VALUES: &str = include_str!("../dialect/values.txt");
const FUNCTIONS: &str = include_str!("../../src/dialect/functions.txt");

/// Statements with what they give.
fn lines() -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = VALUES.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| {
        line.rsplit_once(" =>").map_or((line, ""), |(sql, rows)| (sql, rows.strip_prefix(' ').unwrap_or(rows)))
    })
}

#[tokio::test]
async fn expressions_give_what_redshift_documents() {
    let warehouse = Warehouse::start("dev").await;
    let mut wrong = Vec::new();
    for (sql, expected) in lines() {
        if !sql.starts_with("select") {
            warehouse.apply(&[sql]).await;
            continue;
        }
        let statement = warehouse.run(sql).await;
        let found = if statement.is_finished() {
            let rows = warehouse.result(&statement.0.id).await;
            rows.iter().map(|row| row.join(",")).collect::<Vec<_>>().join("; ")
        } else {
            // Behind the message stands where in a shim it was raised.
            statement.error().lines().next().unwrap_or_default().to_owned()
        };
        if found != expected {
            wrong.push(format!("{sql}\n  expected {expected}\n  found    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A name that joins the allow-list joins the table too.
#[test]
fn every_offered_function_is_called() {
    let called: Vec<String> = lines()
        .flat_map(|(sql, _)| sql.split(|byte: char| !byte.is_ascii_alphanumeric() && byte != '_'))
        .map(str::to_lowercase)
        .collect();
    let listed = FUNCTIONS.lines().filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace);
    let uncalled: Vec<&str> =
        listed.filter(|name| !name.ends_with('!') && !called.iter().any(|word| word == name)).collect();
    assert!(uncalled.is_empty(), "no line of values.txt calls {uncalled:?}");
}
