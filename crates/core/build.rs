//! Embeds `tables/*.toml`, so that a new source table is one new file.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=tables");
    let folder = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("tables");
    let mut files =
        fs::read_dir(&folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut code =
        String::from("/// The text of every file in `tables/`, by name.\nconst TABLE_FILES: &[(&str, &str)] = &[\n");
    for path in &files {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        code += &format!("    ({name:?}, include_str!({path:?})),\n");
    }
    code += "];\n";
    fs::write(Path::new(&env::var("OUT_DIR")?).join("table_files.rs"), code)?;
    Ok(())
}
