//! Both corpora. A case is `-- case: name`, for refused ones followed by `=> the construct that is named`, then one statement,
//! then a line `;;`. In the accepted ones `=> not offered` says that Redshift accepts what the stand-in does not.

use redshift_local::{Verdict, check};

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

#[test]
fn mutilated_statements_are_judged_without_a_panic() {
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
        "loop ",
    ];
    let corpus = concat!(include_str!("../dialect/accept.sql"), include_str!("../dialect/refuse.sql"));
    let cases: Vec<&str> = corpus.split("\n;;").collect();
    // A fixed sequence, so that a failure can be repeated.
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut next = |bound: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % bound as u64) as usize
    };
    for _ in 0..20_000 {
        let mut characters: Vec<char> = cases[next(cases.len())].chars().collect();
        for _ in 0..=next(5) {
            let at = next(characters.len() + 1);
            if next(2) == 0 {
                let end = (at + 1 + next(12)).min(characters.len());
                characters.drain(at.min(end)..end);
            } else {
                characters.splice(at..at, FRAGMENTS[next(FRAGMENTS.len())].chars());
            }
        }
        let statement: String = characters.into_iter().collect();
        let judged = std::panic::catch_unwind(|| check(&statement));
        assert!(judged.is_ok(), "this panics: {statement}");
    }
}
