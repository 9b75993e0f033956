//! What of a local cloud runs, and where.

use crate::{
    cloud::CONNECTION_FILE,
    connection::Connection,
    output::print,
    running_cloud::RunningCloud,
    state_folder::{holder, read_json},
};
use comfy_table::{Table, presets::NOTHING};
use std::{net::TcpStream, path::Path};

/// Runs listed, newest first.
const SHOWN_RUNS: i32 = 5;

/// Prints addresses, the deployed stack and its newest runs.
///
/// # Errors
/// When the state folder cannot be read or Step Functions does not answer.
pub(crate) async fn print_status(state_folder: &Path) -> anyhow::Result<()> {
    let Some(process) = holder(state_folder) else {
        return print(format!("no local cloud runs in {}", state_folder.display()));
    };
    print(format!("a local cloud runs in {} (process {process})", state_folder.display()))?;
    let mut table = Table::new();
    table.load_style(NOTHING);
    let connection: Option<Connection> = read_json(&state_folder.join(CONNECTION_FILE))?;
    let Some(connection) = connection else {
        return print("its servers are starting");
    };
    let source = format!("{}:{}", connection.source.host, connection.source.port);
    let warehouse = connection.postgres_url.rsplit('@').next().unwrap_or_default();
    for (name, address) in [
        ("AWS (LocalStack)", connection.aws_endpoint.as_str()),
        ("Redshift Data, ECS", &connection.own_endpoint),
        ("source (MariaDB)", &source),
        ("warehouse (PostgreSQL)", warehouse),
    ] {
        let answers = TcpStream::connect(address.trim_start_matches("http://")).is_ok();
        table.add_row([name, address, if answers { "" } else { "does not answer" }]);
    }
    let Ok(cloud) = RunningCloud::find(state_folder) else {
        return print(format!("{}\nthe stack is not deployed; `rental-local up` deploys it", table.trim_fmt()));
    };
    table.add_row(["bucket", &cloud.deployment.bucket]);
    table.add_row(["state machine", &cloud.deployment.state_machine_arn]);
    print(table.trim_fmt())?;
    print_runs(&cloud).await
}

async fn print_runs(cloud: &RunningCloud) -> anyhow::Result<()> {
    let step_functions = aws_sdk_sfn::Client::new(&cloud.connection.sdk_config());
    let arn = &cloud.deployment.state_machine_arn;
    let listed = step_functions.list_executions().state_machine_arn(arn).max_results(SHOWN_RUNS).send().await?;
    let mut table = Table::new();
    table.load_style(NOTHING);
    for execution in listed.executions() {
        table.add_row(["run", execution.name(), execution.status().as_str()]);
    }
    if table.is_empty() { Ok(()) } else { print(table.trim_fmt()) }
}
