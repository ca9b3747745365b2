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

/// What every builder of the SDK takes in the same way: the table, the condition with its placeholders, and the wish
/// to be told of the item for which it did not hold.
macro_rules! conditional {
    ($builder:expr, $write:expr, $store:expr) => {
        $builder
            .table_name($store.table_name($write.key.table))
            .set_condition_expression($write.condition.clone())
            .set_expression_attribute_names($write.names())
            .set_expression_attribute_values($write.values())
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    };
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
        let item = TransactWriteItem::builder();
        let key = Some(self.key.attributes());
        match &self.action {
            Action::Put(attributes) => {
                let put = conditional!(Put::builder(), self, store).set_item(Some(attributes.clone()));
                item.put(put.build().expect(REASON))
            }
            Action::Update(expression) => {
                let update = conditional!(Update::builder(), self, store).set_key(key);
                item.update(update.update_expression(expression).build().expect(REASON))
            }
            Action::Delete => {
                let delete = conditional!(Delete::builder(), self, store).set_key(key);
                item.delete(delete.build().expect(REASON))
            }
            Action::Check => {
                let check = conditional!(ConditionCheck::builder(), self, store).set_key(key);
                item.condition_check(check.build().expect(REASON))
            }
        }
        .build()
    }
}

impl Store {
    /// Makes one write, once.
    pub(crate) async fn send(&self, write: &Write) -> Result<Outcome, StoreError> {
        let (client, key) = (&self.client, Some(write.key.attributes()));
        match &write.action {
            Action::Put(attributes) => {
                let put = conditional!(client.put_item(), write, self).set_item(Some(attributes.clone()));
                outcome(put.send().await, |error| match error {
                    PutItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                    _ => None,
                })
            }
            Action::Update(expression) => {
                let update = conditional!(client.update_item(), write, self).set_key(key);
                outcome(update.update_expression(expression).send().await, |error| match error {
                    UpdateItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                    _ => None,
                })
            }
            Action::Delete => {
                let delete = conditional!(client.delete_item(), write, self).set_key(key);
                outcome(delete.send().await, |error| match error {
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
