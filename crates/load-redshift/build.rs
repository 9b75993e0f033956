//! Embeds the `sql/` tree of the workspace, so that a new table, procedure or metric is one new file.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../../sql");
    let root = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../sql").canonicalize()?;
    let mut files = Vec::new();
    collect(&root, &mut files)?;
    files.sort();
    let mut code = String::from(
        "/// The text of every file in `sql/`, by its path in there.\nconst SQL_FILES: &[(&str, &str)] = &[\n",
    );
    for path in &files {
        let name = path.strip_prefix(&root)?.to_str().ok_or("a file name in sql/ is not UTF-8")?;
        code += &format!("    ({name:?}, include_str!({path:?})),\n");
    }
    code += "];\n";
    fs::write(Path::new(&env::var("OUT_DIR")?).join("sql_files.rs"), code)?;
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "sql") {
            files.push(path);
        }
    }
    Ok(())
}
