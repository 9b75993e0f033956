//! Registered task definitions. What was registered is kept as it came and given back whole; only what running a task
//! needs is read from it.

use super::api_error::ApiError;
use crate::connection::{ACCOUNT_ID, REGION};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// ECS's own default.
const DEFAULT_STOP_TIMEOUT_SECONDS: u64 = 30;

#[derive(Debug, Clone)]
pub(crate) struct TaskDefinition {
    pub(crate) family: String,
    revision: u32,
    is_active: bool,
    body: Map<String, Value>,
    pub(crate) needs_network: bool,
    pub(crate) containers: Vec<ContainerDefinition>,
}

/// The part of a container definition that has an effect here. CPU, memory, user and the read-only file system have none.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ContainerDefinition {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) image: String,
    #[serde(default = "default_true")]
    pub(crate) essential: bool,
    #[serde(default)]
    pub(crate) entry_point: Vec<String>,
    #[serde(default)]
    pub(crate) command: Vec<String>,
    #[serde(default)]
    pub(crate) environment: Vec<NameAndValue>,
    #[serde(default)]
    pub(crate) secrets: Vec<SecretReference>,
    #[serde(default = "default_stop_timeout")]
    pub(crate) stop_timeout: u64,
    pub(crate) log_configuration: Option<LogConfiguration>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct NameAndValue {
    pub(crate) name: String,
    pub(crate) value: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SecretReference {
    pub(crate) name: String,
    pub(crate) value_from: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogConfiguration {
    pub(crate) log_driver: String,
    #[serde(default)]
    pub(crate) options: BTreeMap<String, String>,
}

fn default_true() -> bool {
    true
}

fn default_stop_timeout() -> u64 {
    DEFAULT_STOP_TIMEOUT_SECONDS
}

impl TaskDefinition {
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:ecs:{REGION}:{ACCOUNT_ID}:task-definition/{}:{}", self.family, self.revision)
    }

    /// As the API describes it.
    pub(crate) fn describe(&self) -> Value {
        let mut described = self.body.clone();
        described.insert("taskDefinitionArn".into(), json!(self.arn()));
        described.insert("revision".into(), json!(self.revision));
        described.insert("status".into(), json!(if self.is_active { "ACTIVE" } else { "INACTIVE" }));
        Value::Object(described)
    }
}

/// All task definitions, in order of registration.
#[derive(Debug, Default)]
pub(crate) struct TaskDefinitions(Vec<TaskDefinition>);

impl TaskDefinitions {
    pub(crate) fn register(&mut self, body: Value) -> Result<&TaskDefinition, ApiError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Registration {
            family: String,
            #[serde(default)]
            network_mode: String,
            container_definitions: Vec<ContainerDefinition>,
        }
        let Value::Object(fields) = body else { return Err(ApiError::client("A task definition is an object.")) };
        let parsed: Registration = serde_json::from_value(Value::Object(fields.clone()))
            .map_err(|error| ApiError::client(format!("The task definition cannot be read: {error}.")))?;
        if parsed.container_definitions.is_empty() {
            return Err(ApiError::client("Container list cannot be empty."));
        }
        let earlier = self.0.iter().filter(|definition| definition.family == parsed.family);
        let revision = 1 + earlier.map(|definition| definition.revision).max().unwrap_or_default();
        self.0.push(TaskDefinition {
            family: parsed.family,
            revision,
            is_active: true,
            body: fields,
            needs_network: parsed.network_mode == "awsvpc",
            containers: parsed.container_definitions,
        });
        Ok(&self.0[self.0.len() - 1])
    }

    /// Finds by `family`, `family:revision` or ARN; without a revision, the newest active one.
    pub(crate) fn find(&self, reference: &str) -> Result<&TaskDefinition, ApiError> {
        self.position(reference).map(|position| &self.0[position])
    }

    pub(crate) fn deregister(&mut self, reference: &str) -> Result<&TaskDefinition, ApiError> {
        let position = self.position(reference)?;
        self.0[position].is_active = false;
        Ok(&self.0[position])
    }

    pub(crate) fn active_arns(&self, family_prefix: &str) -> Vec<String> {
        let active = self.0.iter().filter(|each| each.is_active && each.family.starts_with(family_prefix));
        active.map(TaskDefinition::arn).collect()
    }

    fn position(&self, reference: &str) -> Result<usize, ApiError> {
        let name = reference.rsplit('/').next().unwrap_or(reference);
        let (family, revision) = name.split_once(':').unwrap_or((name, ""));
        let is_wanted = |definition: &TaskDefinition| {
            definition.family == family
                && if revision.is_empty() { definition.is_active } else { definition.revision.to_string() == revision }
        };
        self.0.iter().rposition(is_wanted).ok_or_else(|| ApiError::client("Unable to describe task definition."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn definition(family: &str) -> Value {
        json!({ "family": family, "containerDefinitions": [{ "name": "main", "image": "main:1" }], "cpu": "256" })
    }

    #[test]
    fn the_newest_active_revision_is_meant_when_none_is_named() {
        let mut definitions = TaskDefinitions::default();
        for family in ["a", "b", "a"] {
            definitions.register(definition(family)).unwrap();
        }
        assert_eq!(definitions.find("a").unwrap().arn(), "arn:aws:ecs:us-east-1:000000000000:task-definition/a:2");
        definitions.deregister("a:2").unwrap();
        assert_eq!(definitions.find("a").unwrap().revision, 1);
        let by_arn = definitions.find("arn:aws:ecs:us-east-1:000000000000:task-definition/a:2").unwrap();
        assert_eq!(by_arn.describe()["status"], "INACTIVE");
        assert_eq!(by_arn.describe()["cpu"], "256");
        assert!(definitions.find("c").is_err());
    }

    #[test]
    fn a_definition_without_containers_is_refused() {
        let body = json!({ "family": "a", "containerDefinitions": [] });
        assert_eq!(TaskDefinitions::default().register(body).unwrap_err().code, "ClientException");
    }
}
