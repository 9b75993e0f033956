//! A local cloud with its stack deployed, as the commands use it, and what the state folder remembers of it.

use crate::{
    cloud::{CONNECTION_FILE, own_binary_folder},
    connection::{Connection, Environment},
    deployment::{Deployment, deploy},
    state_folder::{holder, read_json, tasks_folder, write_json},
};
use anyhow::{Context as _, bail};
use rental_core::RunDate;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

const DEPLOYMENT_FILE: &str = "deployment.json";
const SAMPLE_FILE: &str = "sample.json";

pub(crate) struct RunningCloud {
    pub(crate) connection: Connection,
    pub(crate) deployment: Deployment,
    state_folder: PathBuf,
}

/// What the generator says about its data, beside the data in `planted.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Sample {
    /// The day that the data is complete up to.
    pub(crate) as_of: RunDate,
    /// Number of planted defects by rule.
    pub(crate) planted: BTreeMap<String, u64>,
}

impl RunningCloud {
    /// The cloud that runs in a state folder.
    ///
    /// # Errors
    /// When none does, or its stack is not deployed.
    pub(crate) fn find(state_folder: &Path) -> anyhow::Result<Self> {
        if holder(state_folder).is_none() {
            bail!("no local cloud runs in {}; start one with `rental-local up`", state_folder.display());
        }
        let state_folder = state_folder.canonicalize()?;
        let incomplete = "the local cloud is not complete; `rental-local up` completes it";
        let connection = read_json(&state_folder.join(CONNECTION_FILE))?.context(incomplete)?;
        let deployment = read_json(&state_folder.join(DEPLOYMENT_FILE))?.context(incomplete)?;
        Ok(Self { connection, deployment, state_folder })
    }

    /// Deploys the stack into the servers that run in a state folder, unless it is there.
    ///
    /// # Errors
    /// When the servers are not ready or the stack cannot be created.
    pub(crate) async fn complete(state_folder: &Path) -> anyhow::Result<Self> {
        if let Ok(complete) = Self::find(state_folder) {
            return Ok(complete);
        }
        let state_folder = state_folder.canonicalize()?;
        let connection: Connection = read_json(&state_folder.join(CONNECTION_FILE))?
            .context("the servers are still starting; repeat `rental-local up` in a moment")?;
        let deployment = deploy(&connection).await?;
        write_json(&state_folder.join(DEPLOYMENT_FILE), &deployment)?;
        Ok(Self { connection, deployment, state_folder })
    }

    /// Everything that both binaries and the AWS CLI need.
    pub(crate) fn environment(&self) -> anyhow::Result<Environment> {
        let Deployment { bucket, source_database, warehouse, .. } = &self.deployment;
        let mut variables = self.connection.extract_rds_environment(source_database, bucket);
        variables.extend(self.connection.load_redshift_environment(warehouse, bucket));
        variables.insert("GLUE_ROLE_ARN".into(), self.deployment.copy_role_arn.clone());
        variables.insert("STATE_MACHINE_ARN".into(), self.deployment.state_machine_arn.clone());
        if let Some(sample) = self.sample()? {
            variables.insert("AS_OF".into(), sample.as_of.to_string());
        }
        Ok(variables)
    }

    /// What was seeded, when it was generated data.
    pub(crate) fn sample(&self) -> anyhow::Result<Option<Sample>> {
        read_json(&self.state_folder.join(SAMPLE_FILE)).map(Option::flatten)
    }

    pub(crate) fn remember_sample(&self, sample: Option<&Sample>) -> anyhow::Result<()> {
        write_json(&self.state_folder.join(SAMPLE_FILE), &sample)
    }

    /// Where the ECS endpoint keeps the output of containers.
    pub(crate) fn tasks_folder(&self) -> PathBuf {
        tasks_folder(&self.state_folder)
    }

    pub(crate) fn binary(name: &str) -> anyhow::Result<PathBuf> {
        Ok(own_binary_folder()?.join(name))
    }
}
