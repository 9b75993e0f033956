//! Both corpora. A case is `-- case: name`, for refused ones followed by `=> the construct that is named`, then one statement,
//! then a line `;;`. In the accepted ones `=> not offered` says that Redshift accepts what the stand-in does not.

use redshift_local::{Verdict, check};

use crate::support::{Random, Warehouse};

struct Case {
    name: String,
    construct: Option<String>,
    sql: String,
}

fn cases(corpus: &str) -> Vec<Case> {
    let texts = corpus.split("\n;;").filter(|text| text.contains("-- case:"));
    let cases = texts.map(|text| {
        let header = text.lines().find_map(|line| line.strip_prefix("-- case:")).expect("header").trim();
        let (name, construct) = match header.split_once("=>") {
            Some((name, construct)) => (name.trim(), Some(construct.trim().to_owned())),
            None => (header, None),
        };
        Case { name: name.to_owned(), construct, sql: text.to_owned() }
    });
    cases.collect()
}

#[test]
fn what_redshift_accepts_is_accepted() {
    let cases = cases(include_str!("../dialect/accept.sql"));
    let mut refused = Vec::new();
    for case in &cases {
        let refusals = check(&case.sql);
        let is_offered = case.construct.as_deref() != Some("not offered");
        let fits = match refusals.as_slice() {
            [] => is_offered,
            refusals => !is_offered && refusals.iter().all(|refusal| refusal.verdict == Verdict::NotOffered),
        };
        if !fits {
            refused.push(format!("{}: {refusals:?}", case.name));
        }
    }
    assert!(cases.len() > 30 && refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn what_redshift_refuses_is_refused_by_its_name() {
    let cases = cases(include_str!("../dialect/refuse.sql"));
    let mut wrong = Vec::new();
    for case in &cases {
        let refusals = check(&case.sql);
        let found: Vec<&str> = refusals
            .iter()
            .filter(|refusal| refusal.verdict == Verdict::NotRedshift)
            .map(|refusal| refusal.construct.as_str())
            .collect();
        if found != [case.construct.as_deref().unwrap_or_default()] {
            wrong.push(format!("{}: expected {:?}, found {found:?}", case.name, case.construct));
        }
    }
    assert!(cases.len() > 80 && wrong.is_empty(), "{}", wrong.join("\n"));
}

const ROUNDS: usize = 20_000;

/// What is put between the characters of a statement.
const FRAGMENTS: &[&str] = &[
    "'",
    "\"",
    "$$",
    "(",
    ")",
    "[",
    "]",
    "\\",
    "é",
    "\0",
    ";",
    ".",
    ",",
    "--",
    "/*",
    ":x",
    "::",
    "%",
    "#",
    "qualify ",
    "top ",
    "as ",
    "cast(",
    "listagg(",
    "decode(",
    "nvl2(",
    "extract(",
    "over ",
    "merge into ",
    "in ",
    "create table ",
    "copy ",
    "unload (",
    "percentile_disc(0.5) within group (order by ",
    " ignore nulls ",
    "ratio_to_report(",
    "try_cast(",
    "convert(",
    "interval ",
    "identity(",
    "loop ",
];

/// A statement of the corpus with some characters missing and some too many.
fn mutilated(corpus: &str, random: &mut Random) -> String {
    let cases: Vec<&str> = corpus.split("\n;;").collect();
    let mut characters: Vec<char> = cases[random.below(cases.len())].chars().collect();
    for _ in 0..=random.below(5) {
        let at = random.below(characters.len() + 1);
        if random.below(2) == 0 {
            let end = (at + 1 + random.below(12)).min(characters.len());
            characters.drain(at.min(end)..end);
        } else {
            characters.splice(at..at, FRAGMENTS[random.below(FRAGMENTS.len())].chars());
        }
    }
    characters.into_iter().collect()
}

#[test]
fn mutilated_statements_are_judged_without_a_panic() {
    let corpus = concat!(include_str!("../dialect/accept.sql"), include_str!("../dialect/refuse.sql"));
    let mut random = Random::seeded();
    for _ in 0..ROUNDS {
        let statement = mutilated(corpus, &mut random);
        let judged = std::panic::catch_unwind(|| check(&statement));
        assert!(judged.is_ok(), "this panics: {statement}");
    }
}

/// The same through the translation and to PostgreSQL, in sessions that go on.
#[tokio::test]
async fn mutilated_statements_end() {
    let warehouse = Warehouse::start("mutilated").await;
    let mut random = Random::seeded();
    let mut submitted = 0;
    while submitted < 400 {
        let statement = mutilated(include_str!("../dialect/accept.sql"), &mut random);
        // There is no S3 here, and waiting for it takes seconds.
        if statement.to_lowercase().contains("s3:") || statement.trim().is_empty() {
            continue;
        }
        submitted += 1;
        let request = warehouse.client.execute_statement().workgroup_name("main").database("mutilated");
        let Ok(accepted) = request.sql(&statement).send().await else { continue };
        let ended = warehouse.end(accepted.id.as_deref().expect("id")).await;
        assert!(!ended.error().contains("redshift-local failed"), "{}: {statement}", ended.error());
    }
    assert_eq!(warehouse.value("select 1").await, "1");
}
