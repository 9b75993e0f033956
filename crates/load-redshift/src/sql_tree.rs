//! The warehouse's SQL: that of `sql/`, embedded, or of a folder that stands in its place. Order follows from folders and from
//! what each file's header says it reads and writes; no list names the files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
    sync::OnceLock,
};

include!(concat!(env!("OUT_DIR"), "/sql_files.rs"));

/// What ends the name of a file with checks.
const CHECKS: &str = ".checks.sql";
/// What ends the name of a file that lists the rows behind a metric.
const ROWS: &str = ".rows.sql";
/// Makes what everything else needs, so that a folder without it holds something else.
pub(crate) const SETUP: &str = "schema_setup.sql";

/// The files in use, by path. They are as good as part of the program, and therefore never freed.
static FILES: OnceLock<Vec<SqlFile>> = OnceLock::new();

/// One file of `sql/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SqlFile {
    /// Path in `sql/`, for example `curated/bookings.sql`.
    pub(crate) path: &'static str,
    pub(crate) text: &'static str,
}

/// A procedure `curated.load_<table>(run_date date)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CuratedProcedure {
    pub(crate) name: String,
    reads: BTreeSet<String>,
    writes: BTreeSet<String>,
}

/// A folder that cannot stand in for the embedded SQL.
#[derive(Debug, thiserror::Error)]
pub enum SqlFolderError {
    #[error("read `{}` in place of the embedded SQL", path.display())]
    Unreadable { path: PathBuf, source: io::Error },
    #[error("folder `{}` cannot stand in for the embedded SQL: it has no `{SETUP}`", path.display())]
    Incomplete { path: PathBuf },
}

/// Why the procedures have no order.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("procedures of `sql/procedures` wait for each other: {}", .0.join(", "))]
pub struct ProcedureCycle(Vec<String>);

impl SqlFile {
    fn folder(&self) -> &'static str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// File name without folder and `.sql`.
    pub(crate) fn stem(&self) -> &'static str {
        let name = self.path.rsplit_once('/').map_or(self.path, |(_, name)| name);
        name.trim_end_matches(".sql")
    }

    /// Whether the file makes a view, which must step aside while a table below it gets another shape.
    pub(crate) fn makes_view(&self) -> bool {
        self.text.contains("create or replace view")
    }

    fn holds_checks(&self) -> bool {
        self.path.ends_with(CHECKS)
    }

    fn lists_rows(&self) -> bool {
        self.path.ends_with(ROWS)
    }
}

fn files() -> impl Iterator<Item = SqlFile> {
    let embedded = || SQL_FILES.iter().map(|(path, text)| SqlFile { path, text }).collect();
    FILES.get_or_init(embedded).iter().copied()
}

/// Takes the SQL from a folder that is made like `sql/`. Has to come before anything else asks for a file.
///
/// # Errors
/// When the folder cannot be read, or is none of SQL for the warehouse.
pub(crate) fn use_folder(folder: &Path) -> Result<(), SqlFolderError> {
    let mut texts = BTreeMap::new();
    collect(folder, "", &mut texts)?;
    if !texts.contains_key(SETUP) {
        return Err(SqlFolderError::Incomplete { path: folder.to_owned() });
    }
    let leak = |(path, text): (String, String)| SqlFile { path: path.leak(), text: text.leak() };
    let files = texts.into_iter().map(leak).collect();
    assert!(FILES.set(files).is_ok(), "a folder of SQL was chosen after files were asked for");
    Ok(())
}

/// The texts below a folder, by path in there.
fn collect(folder: &Path, prefix: &str, texts: &mut BTreeMap<String, String>) -> Result<(), SqlFolderError> {
    let unreadable = |source| SqlFolderError::Unreadable { path: folder.to_owned(), source };
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
        if path.is_dir() {
            collect(&path, &format!("{name}/"), texts)?;
        } else if name.ends_with(".sql") {
            let text = fs::read_to_string(&path);
            texts.insert(name, text.map_err(|source| SqlFolderError::Unreadable { path, source })?);
        }
    }
    Ok(())
}

fn files_of(folder: &'static str) -> impl Iterator<Item = SqlFile> {
    files().filter(move |file| file.folder() == folder && !file.holds_checks() && !file.lists_rows())
}

/// The files that make schemas, tables and procedures, in the order in which they are applied; views after the tables of their
/// folder.
pub(crate) fn object_files() -> Vec<SqlFile> {
    let tables_first = |folder| {
        let (views, tables): (Vec<_>, Vec<_>) = files_of(folder).partition(SqlFile::makes_view);
        tables.into_iter().chain(views)
    };
    ["", "raw", "curated", "procedures"].into_iter().flat_map(tables_first).collect()
}

/// The files of metrics, by name. They read curated tables.
pub(crate) fn metric_files() -> Vec<SqlFile> {
    files_of("metrics").collect()
}

/// The files that list the rows behind metrics, by the metric's name.
pub(crate) fn rows_files() -> BTreeMap<&'static str, SqlFile> {
    let files = files().filter(|file| file.folder() == "metrics" && file.lists_rows());
    files.map(|file| (file.stem().trim_end_matches(".rows"), file)).collect()
}

/// What stands on published metrics: their catalog, and views.
pub(crate) fn presentation_files() -> Vec<SqlFile> {
    files_of("presentation").collect()
}

/// The files with checks, of all folders.
pub(crate) fn check_files() -> Vec<SqlFile> {
    files().filter(SqlFile::holds_checks).collect()
}

/// The procedures that fill the curated layer: each after those that write what it reads, else by name.
///
/// # Errors
/// When some wait for each other.
pub(crate) fn curated_procedures() -> Result<Vec<CuratedProcedure>, ProcedureCycle> {
    let loads = files_of("procedures");
    let procedures = loads.filter_map(|file| {
        let table = file.stem().strip_prefix("load_curated_")?;
        Some(CuratedProcedure {
            name: format!("curated.load_{table}"),
            reads: relations_after("Reads:", file.text),
            writes: relations_after("Writes:", file.text),
        })
    });
    in_order(procedures.collect())
}

fn in_order(procedures: Vec<CuratedProcedure>) -> Result<Vec<CuratedProcedure>, ProcedureCycle> {
    let mut waiting: BTreeMap<_, _> = procedures.into_iter().map(|one| (one.name.clone(), one)).collect();
    let mut ordered = Vec::new();
    while !waiting.is_empty() {
        let is_ready = |one: &CuratedProcedure| {
            waiting.values().filter(|other| other.name != one.name).all(|other| one.reads.is_disjoint(&other.writes))
        };
        let Some(name) = waiting.values().find(|one| is_ready(one)).map(|one| one.name.clone()) else {
            return Err(ProcedureCycle(waiting.into_keys().collect()));
        };
        ordered.extend(waiting.remove(&name));
    }
    Ok(ordered)
}

/// The comment lines that open a file, without their dashes.
pub(crate) fn header(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.trim_start().strip_prefix("--"));
    lines.map(str::trim).collect::<Vec<_>>().join("\n")
}

/// The relations that a header lists after a label, of every place where the label stands. A list ends with a full stop.
pub(crate) fn relations_after(label: &str, text: &str) -> BTreeSet<String> {
    let header = header(text);
    let mut relations = BTreeSet::new();
    for list in header.split(label).skip(1) {
        for word in list.split_ascii_whitespace() {
            let name = word.trim_end_matches([',', '.']);
            let is_relation = name.split_once('.').is_some_and(|(schema, relation)| {
                let is_name = |part: &str| {
                    !part.is_empty() && part.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric())
                };
                is_name(schema) && (relation == "*" || is_name(relation))
            });
            if !is_relation {
                break;
            }
            relations.insert(name.to_owned());
            if word.ends_with('.') {
                break;
            }
        }
    }
    relations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn procedure(name: &str, reads: &[&str], writes: &[&str]) -> CuratedProcedure {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        CuratedProcedure { name: name.to_owned(), reads: names(reads), writes: names(writes) }
    }

    #[test]
    fn a_header_lists_what_is_read_and_written() {
        let text = "-- curated.load_x: does x. Not y.\n-- Reads: raw.x, curated.y,\n-- curated.z.  Writes: curated.x.\n\
                    -- Reads: etl.settings.\n-- Notes a.b stay out.\ncreate table q.r";
        let listed = |label| relations_after(label, text).into_iter().collect::<Vec<_>>();
        assert_eq!(listed("Reads:"), ["curated.y", "curated.z", "etl.settings", "raw.x"]);
        assert_eq!(listed("Writes:"), ["curated.x"]);
    }

    #[test]
    fn a_procedure_comes_after_those_whose_tables_it_reads() {
        let unordered = vec![
            procedure("a", &["t.c"], &["t.a"]),
            procedure("b", &["raw.x", "t.b"], &["t.b"]),
            procedure("c", &["t.b"], &["t.c"]),
            procedure("d", &[], &["t.b"]),
        ];
        let names: Vec<_> = in_order(unordered).unwrap().into_iter().map(|one| one.name).collect();
        assert_eq!(names, ["d", "b", "c", "a"]);
    }

    #[test]
    fn procedures_that_wait_for_each_other_are_named() {
        let cycle = vec![procedure("a", &["t.b"], &["t.a"]), procedure("b", &["t.a"], &["t.b"])];
        assert_eq!(in_order(cycle), Err(ProcedureCycle(vec!["a".into(), "b".into()])));
    }

    #[test]
    fn every_curated_procedure_says_what_it_writes_and_has_its_place() {
        let ordered = curated_procedures().unwrap();
        assert!(!ordered.is_empty());
        for procedure in &ordered {
            assert!(!procedure.writes.is_empty(), "{} has no `-- Writes:` line", procedure.name);
        }
    }

    #[test]
    fn the_tree_opens_with_the_schemas_and_no_check_makes_objects() {
        let files = object_files();
        assert_eq!(files.first().map(|file| file.path), Some("schema_setup.sql"));
        assert!(files.iter().all(|file| !file.path.ends_with(CHECKS)));
    }
}
