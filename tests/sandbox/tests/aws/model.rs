//! A service model (the vendor's description of an API) as JSON Schema.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

/// One service's model.
pub struct Model {
    document: Value,
}

/// Codes that the services answer without declaring them (AWS provider issues and API references name them).
const UNDECLARED: [&str; 5] = [
    "IdempotentParameterMismatch",
    "InvalidParameterValue",
    "MissingParameter",
    "SerializationException",
    "InvalidAction",
];

impl Model {
    /// The model of `sso-admin`, `redshift` or `sso-oidc`; `None` where the folder is absent.
    pub fn of(service: &str) -> Option<Self> {
        static SAID: OnceLock<()> = OnceLock::new();
        let default = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contracts");
        let folder = std::env::var_os("CONTRACTS_DIR").map_or(default, PathBuf::from).join("aws");
        let file = folder.join(format!("{service}.json"));
        let Ok(text) = std::fs::read(&file) else {
            SAID.get_or_init(|| eprintln!("skipped: no service models in {} (CONTRACTS_DIR)", folder.display()));
            return None;
        };
        let document = serde_json::from_slice(&text).expect("a service model is JSON");
        Some(Self { document })
    }

    /// Fails the test where an input is not what the operation takes.
    pub fn check_input(&self, operation: &str, input: &Value) {
        self.check(operation, "input", input);
    }

    /// Fails the test where an answer is not what the operation gives.
    pub fn check_output(&self, operation: &str, output: &Value) {
        self.check(operation, "output", output);
    }

    /// Fails the test where the operation does not declare the error, or declares another status.
    pub fn check_error(&self, operation: &str, status: u16, code: &str, body: &Value) {
        if UNDECLARED.contains(&code) {
            return;
        }
        let errors = self.operation(operation)["errors"].as_array().expect("errors are a list");
        let declared = errors.iter().map(|error| error["shape"].as_str().expect("a shape")).find(|name| {
            let declared = self.document["shapes"][*name]["error"]["code"].as_str();
            *name == code || declared == Some(code)
        });
        let name = declared.unwrap_or_else(|| panic!("{operation} does not declare {code}"));
        if let Some(expected) = self.document["shapes"][name]["error"]["httpStatusCode"].as_u64() {
            assert_eq!(u64::from(status), expected, "{operation}: status of {code}");
        }
        if let Some(members) = self.document["shapes"][name]["members"].as_object().filter(|m| !m.is_empty()) {
            let sent = body.as_object().expect("an error is an object");
            for member in sent.keys().filter(|member| *member != "__type") {
                assert!(members.contains_key(member), "{name} has no member {member}");
            }
        }
    }

    fn operation(&self, operation: &str) -> &Value {
        let found = &self.document["operations"][operation];
        assert!(found.is_object(), "the model has no operation {operation}");
        found
    }

    fn check(&self, operation: &str, side: &str, value: &Value) {
        let Some(shape) = self.operation(operation)[side]["shape"].as_str() else {
            assert_eq!(*value, json!({}), "{operation} has no {side}");
            return;
        };
        let validator = jsonschema::validator_for(&self.schema(shape)).expect("the schema is one");
        let problems: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(problems.is_empty(), "{operation} {side} {value}\n{}", problems.join("\n"));
    }

    fn schema(&self, name: &str) -> Value {
        let shape = &self.document["shapes"][name];
        let limits = |least: &str, most: &str| {
            let mut schema = Map::new();
            for (rule, keyword) in [("min", least), ("max", most)] {
                if let Some(limit) = shape.get(rule) {
                    schema.insert(keyword.to_owned(), limit.clone());
                }
            }
            schema
        };
        let mut schema = match shape["type"].as_str().expect("a type") {
            // A document: any JSON.
            "structure" if shape["document"] == true => return json!({}),
            "structure" => {
                let members = shape["members"].as_object().expect("members");
                let properties: Map<String, Value> = members
                    .iter()
                    .map(|(member, target)| (member.clone(), self.schema(target["shape"].as_str().expect("a shape"))))
                    .collect();
                let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
                if let Some(required) = shape.get("required") {
                    schema["required"] = required.clone();
                }
                if shape["union"] == true {
                    schema["minProperties"] = json!(1);
                    schema["maxProperties"] = json!(1);
                }
                return schema;
            }
            "list" => {
                let mut schema = limits("minItems", "maxItems");
                schema.insert("type".to_owned(), json!("array"));
                let entry = shape["member"]["shape"].as_str().expect("a shape");
                schema.insert("items".to_owned(), self.schema(entry));
                schema
            }
            "string" => {
                let mut schema = limits("minLength", "maxLength");
                schema.insert("type".to_owned(), json!("string"));
                if let Some(values) = shape.get("enum") {
                    schema.insert("enum".to_owned(), values.clone());
                }
                if let Some(pattern) = shape["pattern"].as_str() {
                    schema.insert("pattern".to_owned(), json!(format!("^(?:{pattern})$")));
                }
                schema
            }
            "integer" | "long" => {
                let mut schema = limits("minimum", "maximum");
                schema.insert("type".to_owned(), json!("integer"));
                schema
            }
            "timestamp" => json!({"type": "number"}).as_object().expect("an object").clone(),
            "boolean" => json!({"type": "boolean"}).as_object().expect("an object").clone(),
            other => panic!("shape {name} of type {other} is not expected here"),
        };
        schema.remove("documentation");
        Value::Object(schema)
    }
}
