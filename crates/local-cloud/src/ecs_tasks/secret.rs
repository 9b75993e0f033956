//! Secrets of a container definition, resolved as the ECS agent does before the container starts.

use aws_sdk_secretsmanager::{Client, error::DisplayErrorContext};

/// What `valueFrom` names: a secret or one field of it, at a version.
#[derive(Debug, PartialEq, Eq)]
struct Reference<'a> {
    secret_arn: &'a str,
    json_key: Option<&'a str>,
    version_stage: Option<&'a str>,
    version_id: Option<&'a str>,
}

/// Parses `arn:aws:secretsmanager:region:account:secret:name[:json-key:version-stage:version-id]`; empty parts are not set.
fn parse(value_from: &str) -> Result<Reference<'_>, String> {
    const ARN_PARTS: usize = 7;
    let parts: Vec<&str> = value_from.split(':').collect();
    if parts.len() < ARN_PARTS || parts[0] != "arn" || parts[2] != "secretsmanager" || parts.len() > ARN_PARTS + 3 {
        return Err(format!("`{value_from}` is not the ARN of a Secrets Manager secret"));
    }
    let arn_length = parts[..ARN_PARTS].iter().map(|part| part.len() + 1).sum::<usize>() - 1;
    let optional = |index: usize| parts.get(index).copied().filter(|part| !part.is_empty());
    Ok(Reference {
        secret_arn: &value_from[..arn_length],
        json_key: optional(ARN_PARTS),
        version_stage: optional(ARN_PARTS + 1),
        version_id: optional(ARN_PARTS + 2),
    })
}

/// The value that `value_from` names; the error is a sentence without any part of the secret.
pub(crate) async fn resolve(client: &Client, value_from: &str) -> Result<String, String> {
    let reference = parse(value_from)?;
    let answer = client
        .get_secret_value()
        .secret_id(reference.secret_arn)
        .set_version_stage(reference.version_stage.map(str::to_owned))
        .set_version_id(reference.version_id.map(str::to_owned))
        .send()
        .await
        .map_err(|error| format!("{}: {}", reference.secret_arn, DisplayErrorContext(error)))?;
    let text = answer.secret_string.ok_or_else(|| format!("{} holds no text", reference.secret_arn))?;
    reference.json_key.map_or(Ok(text.clone()), |key| field(&text, key, reference.secret_arn))
}

fn field(text: &str, key: &str, secret_arn: &str) -> Result<String, String> {
    let fields: serde_json::Value = serde_json::from_str(text).map_err(|_| format!("{secret_arn} is not JSON"))?;
    match fields.get(key) {
        Some(serde_json::Value::String(value)) => Ok(value.clone()),
        Some(value) => Ok(value.to_string()),
        None => Err(format!("{secret_arn} has no key `{key}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:secretsmanager:us-east-1:000000000000:secret:db-AbCdEf";

    #[test]
    fn a_reference_names_a_secret_or_one_field_of_it() {
        let whole = Reference { secret_arn: ARN, json_key: None, version_stage: None, version_id: None };
        assert_eq!(parse(ARN), Ok(whole));
        let keyed = format!("{ARN}:password::");
        let expected = Reference { secret_arn: ARN, json_key: Some("password"), version_stage: None, version_id: None };
        assert_eq!(parse(&keyed), Ok(expected));
        assert!(parse("arn:aws:ssm:us-east-1:000000000000:parameter/x").is_err());
        assert!(parse("db").is_err());
    }

    #[test]
    fn a_field_is_taken_from_the_secret_and_a_missing_one_is_named() {
        let text = r#"{"username": "extract", "port": 3306}"#;
        assert_eq!(field(text, "username", ARN), Ok("extract".into()));
        assert_eq!(field(text, "port", ARN), Ok("3306".into()));
        let error = field(text, "password", ARN).unwrap_err();
        assert!(error.contains("no key `password`") && !error.contains("extract\""), "{error}");
    }
}
