//! Permissions of DynamoDB: tables, indexes, and the partitions that a call touches.

use serde_json::Value;

use super::needs::{Need, arn, text};

/// The partition key of the functions' table, whose values are the condition key `dynamodb:LeadingKeys`.
const PARTITION_KEY: &str = "pk";

/// The permissions that a call of DynamoDB needs: a transaction those of its parts.
pub(super) fn needs(action: &str, body: &Value) -> Vec<Need> {
    let table = |name: &str| arn(name, "dynamodb", "table/");
    let need = |action: &str, table: String, keys: Vec<String>| {
        let mut need = Need::new(format!("dynamodb:{action}"), table);
        if !keys.is_empty() {
            need.context.push(("dynamodb:LeadingKeys".to_owned(), keys));
        }
        need
    };
    match action {
        "ListTables" | "DescribeLimits" | "DescribeEndpoints" => vec![Need::new(format!("dynamodb:{action}"), "*")],
        "TransactWriteItems" | "TransactGetItems" => {
            let items = body.get("TransactItems").and_then(Value::as_array).into_iter().flatten();
            items
                .filter_map(Value::as_object)
                .flatten()
                .map(|(kind, item)| {
                    let action = match kind.as_str() {
                        "Put" => "PutItem",
                        "Update" => "UpdateItem",
                        "Delete" => "DeleteItem",
                        "ConditionCheck" => "ConditionCheckItem",
                        _ => "GetItem",
                    };
                    need(action, table(text(item, "TableName").unwrap_or_default()), leading_keys(item))
                })
                .collect()
        }
        "BatchGetItem" | "BatchWriteItem" => {
            let tables = body.get("RequestItems").and_then(Value::as_object).into_iter().flatten();
            tables
                .map(|(name, requests)| {
                    let keys = requests.get("Keys").unwrap_or(requests).as_array().into_iter().flatten();
                    let keys = keys.flat_map(|request| {
                        let inner = request.get("PutRequest").or_else(|| request.get("DeleteRequest"));
                        let inner = inner.unwrap_or(request);
                        let key = inner.get("Item").or_else(|| inner.get("Key")).unwrap_or(inner);
                        partition_value(key)
                    });
                    need(action, table(name), keys.collect())
                })
                .collect()
        }
        _ => {
            let mut resource = match text(body, "TableName").or_else(|| text(body, "ResourceArn")) {
                Some(name) => table(name),
                None => "*".to_owned(),
            };
            if let Some(index) = text(body, "IndexName") {
                resource = format!("{resource}/index/{index}");
            }
            vec![need(action, resource, leading_keys(body))]
        }
    }
}

/// The values of the partition key in a call for one item, or in a query.
fn leading_keys(call: &Value) -> Vec<String> {
    let key = call.get("Key").or_else(|| call.get("Item"));
    if let Some(key) = key {
        return partition_value(key).into_iter().collect();
    }
    query_key(call).into_iter().collect()
}

fn partition_value(key: &Value) -> Option<String> {
    attribute(key.get(PARTITION_KEY)?)
}

/// The text of an attribute value, whichever scalar type it has.
fn attribute(value: &Value) -> Option<String> {
    ["S", "N", "B"].iter().find_map(|kind| text(value, kind)).map(str::to_owned)
}

/// The value that a key condition compares the partition key with: `pk = :a` or `#p = :a`.
fn query_key(call: &Value) -> Option<String> {
    let condition = text(call, "KeyConditionExpression")?;
    let names = call.get("ExpressionAttributeNames");
    let spaced = condition.replace('=', " = ").replace(['(', ')'], " ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let placeholder = words.windows(3).find_map(|window| match window {
        [name, "=", value] => {
            let name = names.and_then(|names| text(names, name)).unwrap_or(name);
            (name == PARTITION_KEY).then_some(*value)
        }
        _ => None,
    })?;
    attribute(call.get("ExpressionAttributeValues")?.get(placeholder)?)
}
