//! One write on a condition, alone or as part of a transaction.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::Debug;

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, Delete, Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
    Update,
};

use crate::item::{Item, NewItem};
use crate::keys::{Key, PK};
use crate::transaction::Outcome;
use crate::{Store, StoreError};

/// One write, on a condition.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    key: Key,
    action: Action,
    condition: Option<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
}

#[derive(Debug, Clone)]
enum Action {
    Put(Item),
    Update(String),
    Delete,
    Check,
}

impl Write {
    fn new(key: Key, action: Action) -> Self {
        Self { key, action, condition: None, names: HashMap::new(), values: HashMap::new() }
    }

    /// Writes a whole item.
    pub(crate) fn put(item: NewItem) -> Self {
        Self::new(item.key, Action::Put(item.attributes))
    }

    /// Writes an item that is not there yet.
    pub(crate) fn create(item: NewItem) -> Self {
        Self::put(item).only_if(format!("attribute_not_exists({PK})"))
    }

    /// Changes attributes by an update expression.
    pub(crate) fn update(key: Key, expression: impl Into<String>) -> Self {
        Self::new(key, Action::Update(expression.into()))
    }

    /// Erases an item.
    pub(crate) fn delete(key: Key) -> Self {
        Self::new(key, Action::Delete)
    }

    /// Writes nothing, but holds the others to a condition on this item.
    pub(crate) fn check(key: Key, condition: impl Into<String>) -> Self {
        Self::new(key, Action::Check).only_if(condition)
    }

    /// On this condition.
    pub(crate) fn only_if(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// What `#placeholder` stands for in the expressions.
    pub(crate) fn name(mut self, placeholder: &str, name: &str) -> Self {
        self.names.insert(placeholder.to_owned(), name.to_owned());
        self
    }

    /// What `:placeholder` stands for in the expressions.
    pub(crate) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        (!self.names.is_empty()).then(|| self.names.clone())
    }

    fn values(&self) -> Option<HashMap<String, AttributeValue>> {
        (!self.values.is_empty()).then(|| self.values.clone())
    }

    pub(crate) fn to_transact_item(&self, store: &Store) -> TransactWriteItem {
        const REASON: &str = "table, key and expression are all set here";
        let table = store.table_name(self.key.table);
        let old = ReturnValuesOnConditionCheckFailure::AllOld;
        let item = TransactWriteItem::builder();
        match &self.action {
            Action::Put(attributes) => item.put(
                Put::builder()
                    .table_name(table)
                    .set_item(Some(attributes.clone()))
                    .set_condition_expression(self.condition.clone())
                    .set_expression_attribute_names(self.names())
                    .set_expression_attribute_values(self.values())
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .expect(REASON),
            ),
            Action::Update(expression) => item.update(
                Update::builder()
                    .table_name(table)
                    .set_key(Some(self.key.attributes()))
                    .update_expression(expression)
                    .set_condition_expression(self.condition.clone())
                    .set_expression_attribute_names(self.names())
                    .set_expression_attribute_values(self.values())
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .expect(REASON),
            ),
            Action::Delete => item.delete(
                Delete::builder()
                    .table_name(table)
                    .set_key(Some(self.key.attributes()))
                    .set_condition_expression(self.condition.clone())
                    .set_expression_attribute_names(self.names())
                    .set_expression_attribute_values(self.values())
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .expect(REASON),
            ),
            Action::Check => item.condition_check(
                ConditionCheck::builder()
                    .table_name(table)
                    .set_key(Some(self.key.attributes()))
                    .condition_expression(self.condition.clone().unwrap_or_default())
                    .set_expression_attribute_names(self.names())
                    .set_expression_attribute_values(self.values())
                    .return_values_on_condition_check_failure(old)
                    .build()
                    .expect(REASON),
            ),
        }
        .build()
    }
}

impl Store {
    /// Makes one write, once.
    pub(crate) async fn send(&self, write: &Write) -> Result<Outcome, StoreError> {
        let table = self.table_name(write.key.table);
        let old = ReturnValuesOnConditionCheckFailure::AllOld;
        match &write.action {
            Action::Put(attributes) => {
                let sent = self
                    .client
                    .put_item()
                    .table_name(table)
                    .set_item(Some(attributes.clone()))
                    .set_condition_expression(write.condition.clone())
                    .set_expression_attribute_names(write.names())
                    .set_expression_attribute_values(write.values())
                    .return_values_on_condition_check_failure(old)
                    .send()
                    .await;
                outcome(sent, |error| match error {
                    PutItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                    _ => None,
                })
            }
            Action::Update(expression) => {
                let sent = self
                    .client
                    .update_item()
                    .table_name(table)
                    .set_key(Some(write.key.attributes()))
                    .update_expression(expression)
                    .set_condition_expression(write.condition.clone())
                    .set_expression_attribute_names(write.names())
                    .set_expression_attribute_values(write.values())
                    .return_values_on_condition_check_failure(old)
                    .send()
                    .await;
                outcome(sent, |error| match error {
                    UpdateItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                    _ => None,
                })
            }
            Action::Delete => {
                let sent = self
                    .client
                    .delete_item()
                    .table_name(table)
                    .set_key(Some(write.key.attributes()))
                    .set_condition_expression(write.condition.clone())
                    .set_expression_attribute_names(write.names())
                    .set_expression_attribute_values(write.values())
                    .return_values_on_condition_check_failure(old)
                    .send()
                    .await;
                outcome(sent, |error| match error {
                    DeleteItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                    _ => None,
                })
            }
            Action::Check => Box::pin(self.transact(std::slice::from_ref(write))).await,
        }
    }
}

/// Sorts the answer to one write; `found` tells the item behind a condition that did not hold.
fn outcome<T, E, R>(
    sent: Result<T, SdkError<E, R>>,
    found: impl FnOnce(&E) -> Option<Option<Item>>,
) -> Result<Outcome, StoreError>
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    R: Debug + Send + Sync + 'static,
{
    let error = match sent {
        Ok(_) => return Ok(Outcome::Done),
        Err(error) => error,
    };
    match error.as_service_error().and_then(found) {
        Some(item) => Ok(Outcome::refused_alone(item)),
        None => Err(StoreError::from_sdk(error)),
    }
}
