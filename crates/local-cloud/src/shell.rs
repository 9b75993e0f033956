//! Environment variables as a POSIX shell reads them.

use crate::connection::Environment;
use std::path::Path;

/// Lines for `eval`: the variables, and a PATH that starts with `folders`.
pub(crate) fn export_lines(variables: &Environment, folders: &[&Path]) -> String {
    let lines = variables.iter().map(|(name, value)| format!("export {name}={}\n", quoted(value)));
    let folders = folders.iter().map(|folder| quoted(&folder.display().to_string()) + ":");
    lines.chain([format!("export PATH={}\"$PATH\"\n", folders.collect::<String>())]).collect()
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_shell_reads_every_value_as_it_is() {
        let value = "it's $HOME `x` \"y\"\\ \n*";
        let variables = Environment::from([("ODD_VALUE".to_owned(), value.to_owned())]);
        let lines = export_lines(&variables, &[Path::new("/a b"), Path::new("/c'd")]);
        let script = format!("PATH=/bin:/usr/bin; {lines} printf '%s|%s' \"$ODD_VALUE\" \"$PATH\"");
        let output = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{value}|/a b:/c'd:/bin:/usr/bin"));
    }
}
