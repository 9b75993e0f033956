//! Deploys `infra/` into a running cloud: the same template and state machine as on AWS, with parameters that point at the
//! local servers.

use crate::connection::{Connection, WORKGROUP};
use crate::mariadb::EXTRACT_USER;
use anyhow::{Context as _, bail, ensure};
use aws_sdk_cloudformation::{
    Client,
    types::{Capability, Parameter, Stack, StackStatus},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

const TEMPLATE: &str = include_str!("../../../infra/template.yaml");
const STATE_MACHINE: &str = include_str!("../../../infra/state-machine.asl.json");
/// How the template names the file with the state machine's definition.
const DEFINITION_REFERENCE: &str = "DefinitionS3Location: state-machine.asl.json";

const STACK_NAME: &str = "rental-analytics";
const ARTIFACT_BUCKET: &str = "rental-analytics-artifacts";
const STATE_MACHINE_KEY: &str = "state-machine.asl.json";
const SOURCE_DATABASE: &str = "marketplace";
const WAREHOUSE: &str = "analytics";
/// Only its form matters here: LocalStack checks no permissions.
const WORKGROUP_ARN: &str =
    "arn:aws:redshift-serverless:us-east-1:000000000000:workgroup/00000000-0000-0000-0000-000000000000";

/// LocalStack needs some three seconds.
const DEPLOY_DEADLINE: Duration = Duration::from_secs(120);
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// The deployed stack, as seen from outside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Deployment {
    /// The log: data files, manifests, receipts.
    pub bucket: String,
    pub state_machine_arn: String,
    /// Role that COPY reads the bucket with.
    pub copy_role_arn: String,
    /// Database of the source server that the stack's tasks read.
    pub source_database: String,
    /// Database of the warehouse that they fill.
    pub warehouse: String,
}

/// Creates the stack, its source database and the password that its tasks connect with. A stack that exists is taken as it is.
///
/// # Errors
/// When the stack cannot be created; the message has the reasons that CloudFormation gives.
pub async fn deploy(connection: &Connection) -> anyhow::Result<Deployment> {
    let cloudformation = Client::new(&connection.sdk_config());
    if find_stack(&cloudformation).await?.is_none() {
        create_stack(connection, &cloudformation).await?;
    }
    let outputs = finished_stack_outputs(&cloudformation).await?;
    let output =
        |name: &str| outputs.get(name).cloned().with_context(|| format!("stack {STACK_NAME} has no output {name}"));
    let password = json!({ "username": EXTRACT_USER, "password": connection.source.extract_password });
    aws_sdk_secretsmanager::Client::new(&connection.sdk_config())
        .put_secret_value()
        .secret_id(output("SourceSecretArn")?)
        .secret_string(password.to_string())
        .send()
        .await
        .context("put the source's password into its secret")?;
    connection.source.create_database(SOURCE_DATABASE).await?;
    Ok(Deployment {
        bucket: output("BucketName")?,
        state_machine_arn: output("StateMachineArn")?,
        copy_role_arn: output("WarehouseCopyRoleArn")?,
        source_database: SOURCE_DATABASE.to_owned(),
        warehouse: WAREHOUSE.to_owned(),
    })
}

async fn create_stack(connection: &Connection, cloudformation: &Client) -> anyhow::Result<()> {
    let s3 = connection.s3();
    s3.create_bucket().bucket(ARTIFACT_BUCKET).send().await.context("create the bucket for artifacts")?;
    s3.put_object()
        .bucket(ARTIFACT_BUCKET)
        .key(STATE_MACHINE_KEY)
        .body(STATE_MACHINE.as_bytes().to_vec().into())
        .send()
        .await
        .context("upload the state machine's definition")?;
    cloudformation
        .create_stack()
        .stack_name(STACK_NAME)
        .template_body(packaged_template(TEMPLATE)?)
        .capabilities(Capability::CapabilityIam)
        .set_parameters(Some(parameters(connection)))
        .send()
        .await
        .with_context(|| format!("create stack {STACK_NAME}"))?;
    Ok(())
}

/// The template with its local file replaced by where that file was uploaded, as `aws cloudformation package` does it.
fn packaged_template(template: &str) -> anyhow::Result<String> {
    ensure!(template.contains(DEFINITION_REFERENCE), "the template does not say `{DEFINITION_REFERENCE}`");
    let place = format!("DefinitionS3Location: {{ Bucket: {ARTIFACT_BUCKET}, Key: {STATE_MACHINE_KEY} }}");
    Ok(template.replace(DEFINITION_REFERENCE, &place))
}

fn parameters(connection: &Connection) -> Vec<Parameter> {
    let source = &connection.source;
    let values = [
        ("SubnetIds", "subnet-00000000000000001".to_owned()),
        ("SecurityGroupIds", "sg-00000000000000001".to_owned()),
        ("SourceHost", source.host.clone()),
        ("SourcePort", source.port.to_string()),
        ("SourceDatabase", SOURCE_DATABASE.to_owned()),
        ("SourceUser", EXTRACT_USER.to_owned()),
        ("SourceTimezone", "UTC".to_owned()),
        ("SourceSslCa", source.authority.display().to_string()),
        ("RedshiftWorkgroup", WORKGROUP.to_owned()),
        ("RedshiftWorkgroupArn", WORKGROUP_ARN.to_owned()),
        ("RedshiftDatabase", WAREHOUSE.to_owned()),
        ("ExtractImage", "extract-rds:local".to_owned()),
        ("LoadImage", "load-redshift:local".to_owned()),
        ("RetryDelaySeconds", "1".to_owned()),
        ("ScheduleState", "DISABLED".to_owned()),
    ];
    let parameter =
        |(name, value): (&str, String)| Parameter::builder().parameter_key(name).parameter_value(value).build();
    values.map(parameter).into()
}

/// None when there is no stack of this name.
async fn find_stack(cloudformation: &Client) -> anyhow::Result<Option<Stack>> {
    let described = cloudformation.describe_stacks().stack_name(STACK_NAME).send().await;
    match described {
        Ok(described) => Ok(described.stacks().first().cloned()),
        Err(error) if error.as_service_error().is_some_and(|error| error.meta().code() == Some("ValidationError")) => {
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("describe stack {STACK_NAME}")),
    }
}

/// Waits until the stack stands.
async fn finished_stack_outputs(cloudformation: &Client) -> anyhow::Result<BTreeMap<String, String>> {
    let started = Instant::now();
    loop {
        let stack = find_stack(cloudformation).await?.with_context(|| format!("stack {STACK_NAME} has gone"))?;
        match stack.stack_status() {
            Some(StackStatus::CreateComplete | StackStatus::UpdateComplete) => {
                let outputs = stack.outputs().iter();
                return Ok(outputs
                    .filter_map(|output| Some((output.output_key()?.to_owned(), output.output_value()?.to_owned())))
                    .collect());
            }
            Some(StackStatus::CreateInProgress | StackStatus::ReviewInProgress)
                if started.elapsed() < DEPLOY_DEADLINE => {}
            status => {
                let status = status.map_or("without status", StackStatus::as_str);
                bail!("stack {STACK_NAME} is {status}{}", failure_reasons(cloudformation).await?);
            }
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

async fn failure_reasons(cloudformation: &Client) -> anyhow::Result<String> {
    let events = cloudformation.describe_stack_events().stack_name(STACK_NAME).send().await?;
    let reasons = events.stack_events().iter().filter_map(|event| {
        let is_failure = event.resource_status()?.as_str().ends_with("FAILED");
        let reason = event.resource_status_reason().unwrap_or("no reason given");
        is_failure.then(|| format!("\n  {}: {reason}", event.logical_resource_id().unwrap_or("stack")))
    });
    Ok(reasons.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_finds_its_state_machine_on_s3() {
        let packaged = packaged_template(TEMPLATE).unwrap();
        assert!(
            packaged
                .contains("DefinitionS3Location: { Bucket: rental-analytics-artifacts, Key: state-machine.asl.json }")
        );
        assert!(packaged_template("Resources: {}").is_err());
    }
}
