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
use crate::store::Table;
use crate::transaction::Outcome;
use crate::{Store, StoreError};

/// One write, on a condition.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    table: Table,
    action: Action,
    condition: Option<String>,
    names: HashMap<String, String>,
    values: HashMap<String, AttributeValue>,
    /// Whether to return the item for which the condition did not hold.
    returns_found: bool,
}

#[derive(Debug, Clone)]
enum Action {
    /// The item, whose key is among its attributes.
    Put(Item),
    /// The key, and the update expression.
    Update(Item, String),
    Delete(Item),
    Check(Item),
}

/// What every builder of the SDK takes in the same way: the table, the condition with its placeholders, and
/// whether to return the item for which it did not hold.
macro_rules! conditional {
    ($builder:expr, $table:expr, $condition:expr, $names:expr, $values:expr, $returns_found:expr) => {
        $builder
            .table_name($table)
            .set_condition_expression($condition)
            .set_expression_attribute_names((!$names.is_empty()).then_some($names))
            .set_expression_attribute_values((!$values.is_empty()).then_some($values))
            .set_return_values_on_condition_check_failure(
                $returns_found.then_some(ReturnValuesOnConditionCheckFailure::AllOld),
            )
    };
}

impl Write {
    fn new(table: Table, action: Action) -> Self {
        Self {
            table,
            action,
            condition: None,
            names: HashMap::new(),
            values: HashMap::new(),
            returns_found: true,
        }
    }

    /// Writes a whole item.
    pub(crate) fn put(item: NewItem) -> Self {
        Self::new(item.table, Action::Put(item.attributes))
    }

    /// Writes an item that is not there yet.
    pub(crate) fn create(item: NewItem) -> Self {
        Self::put(item).only_if(format!("attribute_not_exists({PK})"))
    }

    /// Changes attributes by an update expression.
    pub(crate) fn update(key: Key, expression: impl Into<String>) -> Self {
        Self::new(key.table, Action::Update(key.into_attributes(), expression.into()))
    }

    /// Erases an item.
    pub(crate) fn delete(key: Key) -> Self {
        Self::new(key.table, Action::Delete(key.into_attributes()))
    }

    /// Writes nothing, but holds the others to a condition on this item.
    pub(crate) fn check(key: Key, condition: impl Into<String>) -> Self {
        Self::new(key.table, Action::Check(key.into_attributes())).only_if(condition)
    }

    /// On this condition.
    pub(crate) fn only_if(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// Sets the name that replaces `#placeholder` in the expressions.
    pub(crate) fn name(mut self, placeholder: &str, name: &str) -> Self {
        self.names.insert(placeholder.to_owned(), name.to_owned());
        self
    }

    /// Sets the value that replaces `:placeholder` in the expressions.
    pub(crate) fn value(mut self, placeholder: &str, value: AttributeValue) -> Self {
        self.values.insert(placeholder.to_owned(), value);
        self
    }

    /// Without a word about the item for which the condition did not hold.
    pub(crate) fn silently(mut self) -> Self {
        self.returns_found = false;
        self
    }

    /// The write as a transaction takes it. Nothing of it is copied: of a large import this is much of the work.
    pub(crate) fn into_transact_item(self, store: &Store) -> TransactWriteItem {
        const REASON: &str = "table, key and expression are all set here";
        let Self { table, action, condition, names, values, returns_found } = self;
        let table = store.table_name(table);
        let item = TransactWriteItem::builder();
        match action {
            Action::Put(attributes) => {
                let put = conditional!(Put::builder(), table, condition, names, values, returns_found);
                item.put(put.set_item(Some(attributes)).build().expect(REASON))
            }
            Action::Update(key, expression) => {
                let update = conditional!(Update::builder(), table, condition, names, values, returns_found);
                item.update(update.set_key(Some(key)).update_expression(expression).build().expect(REASON))
            }
            Action::Delete(key) => {
                let delete = conditional!(Delete::builder(), table, condition, names, values, returns_found);
                item.delete(delete.set_key(Some(key)).build().expect(REASON))
            }
            Action::Check(key) => {
                let check =
                    conditional!(ConditionCheck::builder(), table, condition, names, values, returns_found);
                item.condition_check(check.set_key(Some(key)).build().expect(REASON))
            }
        }
        .build()
    }
}

impl Store {
    /// Makes one write, once.
    pub(crate) async fn send(&self, write: &Write) -> Result<Outcome, StoreError> {
        let Write { table, action, condition, names, values, returns_found } = write.clone();
        let (client, table) = (&self.client, self.table_name(table));
        match action {
            Action::Put(attributes) => {
                let put = conditional!(client.put_item(), table, condition, names, values, returns_found);
                outcome(put.set_item(Some(attributes)).send().await, |error| match error {
                    PutItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                    _ => None,
                })
            }
            Action::Update(key, expression) => {
                let update =
                    conditional!(client.update_item(), table, condition, names, values, returns_found);
                let update = update.set_key(Some(key)).update_expression(expression);
                outcome(update.send().await, |error| match error {
                    UpdateItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                    _ => None,
                })
            }
            Action::Delete(key) => {
                let delete =
                    conditional!(client.delete_item(), table, condition, names, values, returns_found);
                outcome(delete.set_key(Some(key)).send().await, |error| match error {
                    DeleteItemError::ConditionalCheckFailedException(failed) => Some(failed.item.clone()),
                    _ => None,
                })
            }
            Action::Check(_) => Box::pin(self.transact(std::slice::from_ref(write))).await,
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
