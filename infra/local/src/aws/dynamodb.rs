//! DynamoDB: an embedded one, called in process.

use std::num::NonZeroU64;

use bytes::Bytes;
use dynoxide::{Database, DynoxideError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::conflicts::Conflicts;
use crate::worker::{Worker, WorkerError};

/// The database, and the one thread that asks it.
///
/// It has a single lock inside, so that more threads would only wait for each other; and its calls sync a file,
/// which is nothing for the threads that serve requests.
pub(crate) struct DynamoDb {
    worker: Worker<Database>,
    database: Database,
    conflicts: Option<Conflicts>,
}

/// What an operation answers on the wire.
#[derive(Debug)]
pub(crate) struct DynamoDbReply {
    /// The HTTP status.
    pub(crate) status: u16,
    /// A JSON object.
    pub(crate) body: Vec<u8>,
}

impl DynamoDb {
    /// Starts the thread.
    pub(crate) fn start(database: Database) -> std::io::Result<DynamoDb> {
        Ok(DynamoDb { worker: Worker::start("dynamodb", database.clone())?, database, conflicts: None })
    }

    /// The same database, in which every so many-th write meets another transaction.
    pub(crate) fn with_conflict_every(self, every: Option<NonZeroU64>) -> DynamoDb {
        DynamoDb { conflicts: every.map(Conflicts::new), ..self }
    }

    /// Does one operation of the API.
    pub(crate) async fn call(&self, operation: &str, body: Bytes) -> DynamoDbReply {
        if let Some(refusal) =
            self.conflicts.as_ref().and_then(|conflicts| conflicts.strike(operation, &body))
        {
            return refusal;
        }
        let name = operation.to_owned();
        let answer = self.worker.call(move |database| answer(database, &name, &body)).await;
        answer.unwrap_or_else(|error| {
            tracing::error!(operation, %error, "DynamoDB did not answer");
            let status = if matches!(error, WorkerError::Stopped) { 503 } else { 500 };
            let body = br#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"Internal server error"}"#;
            DynamoDbReply { status, body: body.to_vec() }
        })
    }

    /// Deletes what has outlived its time to live. Requests go on in between.
    pub(crate) async fn sweep(&self) {
        let database = self.database.clone();
        match tokio::task::spawn_blocking(move || database.sweep_ttl()).await {
            Ok(Ok(deleted)) => tracing::debug!(deleted, "expired items are gone"),
            Ok(Err(error)) => tracing::warn!(%error, "expired items could not be deleted"),
            Err(error) => tracing::warn!(%error, "the sweep of expired items broke off"),
        }
    }

    /// Finishes what has been asked, and refuses what comes later.
    pub(crate) async fn stop(&self) {
        self.worker.stop().await;
    }

    /// Whether there is an operation of this name.
    pub(crate) fn has(operation: &str) -> bool {
        OPERATIONS.contains(&operation)
    }
}

fn answer(database: &Database, operation: &str, body: &[u8]) -> DynamoDbReply {
    match dispatch(database, operation, body) {
        Ok(body) => DynamoDbReply { status: 200, body },
        Err(error) => {
            let error = on_the_wire(operation, error);
            if error.status_code() >= 500 {
                tracing::error!(operation, %error, "DynamoDB failed");
            }
            DynamoDbReply { status: error.status_code(), body: error.to_json().into_bytes() }
        }
    }
}

macro_rules! operations {
    ($($operation:literal => $method:ident,)*) => {
        /// Every operation that the database has.
        const OPERATIONS: &[&str] = &[$($operation),*];

        fn dispatch(database: &Database, operation: &str, body: &[u8]) -> Result<Vec<u8>, DynoxideError> {
            match operation {
                $($operation => write(&database.$method(read(body)?)?),)*
                _ => Err(DynoxideError::SerializationException("UnknownOperationException".to_owned())),
            }
        }
    };
}

operations! {
    "BatchExecuteStatement" => batch_execute_statement,
    "BatchGetItem" => batch_get_item,
    "BatchWriteItem" => batch_write_item,
    "CreateTable" => create_table,
    "DeleteItem" => delete_item,
    "DeleteTable" => delete_table,
    "DescribeStream" => describe_stream,
    "DescribeTable" => describe_table,
    "DescribeTimeToLive" => describe_time_to_live,
    "ExecuteStatement" => execute_statement,
    "ExecuteTransaction" => execute_transaction,
    "GetItem" => get_item,
    "GetRecords" => get_records,
    "GetShardIterator" => get_shard_iterator,
    "ListStreams" => list_streams,
    "ListTables" => list_tables,
    "ListTagsOfResource" => list_tags_of_resource,
    "PutItem" => put_item,
    "Query" => query,
    "Scan" => scan,
    "TagResource" => tag_resource,
    "TransactGetItems" => transact_get_items,
    "TransactWriteItems" => transact_write_items,
    "UntagResource" => untag_resource,
    "UpdateItem" => update_item,
    "UpdateTable" => update_table,
    "UpdateTimeToLive" => update_time_to_live,
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DynoxideError> {
    serde_json::from_slice(body).map_err(|error| {
        let text = error.to_string();
        let reason = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
        // The library marks its refusals with the kind of exception that they are.
        for mark in ["VALIDATION_AS_READ:", "VALIDATION:"] {
            if let Some(reason) = reason.strip_prefix(mark) {
                return DynoxideError::ValidationException(reason.to_owned());
            }
        }
        if let Some(reason) = reason.strip_prefix("VALIDATION_REQUEST:") {
            return DynoxideError::EnvelopedValidation(reason.to_owned());
        }
        for mark in ["SERIALIZATION_AS_READ:", "SERIALIZATION:"] {
            if let Some(reason) = reason.strip_prefix(mark) {
                return DynoxideError::SerializationException(reason.to_owned());
            }
        }
        if ["missing field", "unknown variant", "invalid type: null", "AttributeValue"]
            .iter()
            .any(|word| reason.contains(word))
        {
            DynoxideError::ValidationException(reason.to_owned())
        } else {
            DynoxideError::SerializationException(reason.to_owned())
        }
    })
}

fn write<T: Serialize>(response: &T) -> Result<Vec<u8>, DynoxideError> {
    serde_json::to_vec(response).map_err(|error| DynoxideError::InternalServerError(error.to_string()))
}

/// The error as this operation words it.
fn on_the_wire(operation: &str, error: DynoxideError) -> DynoxideError {
    const ENVELOPE: &str = "1 validation error detected: ";
    match error {
        DynoxideError::EnvelopedValidation(message)
            if matches!(operation, "PutItem" | "UpdateItem" | "DeleteItem")
                && !message.starts_with(ENVELOPE) =>
        {
            DynoxideError::ValidationException(format!("{ENVELOPE}{message}"))
        }
        DynoxideError::EnvelopedValidation(message) => DynoxideError::ValidationException(message),
        DynoxideError::ConditionalCheckFailedException(message, Some(item))
            if operation == "ExecuteStatement" =>
        {
            DynoxideError::StatementConditionalCheckFailed(message, item)
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_dynamodb::Client;
    use aws_sdk_dynamodb::error::ProvideErrorMetadata;
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, Put,
        ReturnValuesOnConditionCheckFailure, ScalarAttributeType, TransactWriteItem,
    };

    use crate::Confirmation;
    use crate::aws::{in_memory, sdk_config};

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.to_owned())
    }

    async fn create_table(client: &Client) {
        let attribute =
            AttributeDefinition::builder().attribute_name("id").attribute_type(ScalarAttributeType::S);
        client
            .create_table()
            .table_name("items")
            .billing_mode(BillingMode::PayPerRequest)
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(
                KeySchemaElement::builder().attribute_name("id").key_type(KeyType::Hash).build().unwrap(),
            )
            .send()
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn the_sdk_writes_reads_and_is_refused() {
        let endpoint = in_memory(Confirmation::ByItself, &[]);
        let client = Client::new(&sdk_config(&endpoint, "test"));
        create_table(&client).await;
        let put = || {
            client
                .put_item()
                .table_name("items")
                .item("id", text("1"))
                .condition_expression("attribute_not_exists(id)")
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        };
        put().send().await.unwrap();
        let error = put().send().await.unwrap_err().into_service_error();
        let aws_sdk_dynamodb::operation::put_item::PutItemError::ConditionalCheckFailedException(refusal) =
            error
        else {
            panic!("{error}")
        };
        assert_eq!(refusal.item.unwrap()["id"], text("1"));
        let item =
            client.get_item().table_name("items").key("id", text("1")).send().await.unwrap().item.unwrap();
        assert_eq!(item["id"], text("1"));
        let error = client.get_item().table_name("none").key("id", text("1")).send().await.unwrap_err();
        assert_eq!(error.code(), Some("ResourceNotFoundException"));
    }

    #[tokio::test]
    async fn a_cancelled_transaction_tells_its_reasons() {
        let endpoint = in_memory(Confirmation::ByItself, &[]);
        let client = Client::new(&sdk_config(&endpoint, "test"));
        create_table(&client).await;
        let put = |condition: &str| {
            let put =
                Put::builder().table_name("items").item("id", text("1")).condition_expression(condition);
            TransactWriteItem::builder().put(put.build().unwrap()).build()
        };
        let error = client.transact_write_items().transact_items(put("attribute_exists(id)")).send().await;
        let error = error.unwrap_err().into_service_error();
        let aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError::TransactionCanceledException(
            cancelled,
        ) = error
        else {
            panic!("{error}")
        };
        assert_eq!(cancelled.cancellation_reasons()[0].code(), Some("ConditionalCheckFailed"));
    }

    #[tokio::test]
    async fn a_null_item_is_refused_in_the_words_of_aws() {
        let endpoint = in_memory(Confirmation::ByItself, &[]);
        let reply = endpoint
            .dynamodb
            .call("PutItem", br#"{"TableName":"items","Item":null}"#.as_slice().into())
            .await;
        let body = String::from_utf8(reply.body).unwrap();
        assert!(
            body.contains("1 validation error detected: Value null at 'item' failed to satisfy constraint: Member must not be null"),
            "{body}"
        );
        assert_eq!(reply.status, 400);
    }
}
