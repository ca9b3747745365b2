//! TransactWriteItems on plain tables, several transactions to one commit. Not in the original: see PATCHES.md.
//!
//! A table is plain if its keys are strings and nothing hangs on its items: no secondary or vector index, no stream. There,
//! what a transaction does is known before anything is written: [`Prepared`] holds what follows from the request alone (made
//! on whatever thread the request came in), and the rest follows from what is stored. So all conditions are looked at first,
//! and only a transaction that will be made writes. Whatever is out of the ordinary is left to the code of the original
//! ([`super::transact_write_items`]), which words every refusal.

use std::collections::HashSet;
use std::sync::Arc;

use super::helpers::{self, KeySchema};
use super::index_capacity::WriteCapacity;
use super::transact_write_items::{
    self as original, TransactWriteItem, TransactWriteItemsRequest, TransactWriteItemsResponse,
};
use crate::errors::{CancellationReason, DynoxideError, Result};
use crate::expressions::condition::ConditionExpr;
use crate::expressions::update::UpdateExpr;
use crate::expressions::{PathElement, TrackedExpressionAttributes, condition, update};
use crate::storage::{Storage, TableMetadata};
use crate::types::{self, AttributeValue, Item, ScalarAttributeType};

/// The most bytes of a partition key and of a sort key.
const MAX_PARTITION_KEY: usize = 2048;
const MAX_SORT_KEY: usize = 1024;
/// The most bytes of the items of a transaction.
const MAX_TRANSACTION: usize = 4 * 1024 * 1024;

/// What transactions need to know of a plain table.
pub struct PlainTable {
    partition_key: String,
    sort_key: Option<String>,
    get: String,
    put: String,
    create: String,
    delete: String,
}

impl PlainTable {
    /// None if the table is not plain.
    pub(crate) fn of(meta: &TableMetadata) -> Result<Option<Self>> {
        let is_empty = |definitions: &Option<String>| {
            definitions.as_deref().is_none_or(|json| json.trim() == "[]")
        };
        let KeySchema { partition_key, partition_key_type, sort_key, sort_key_type, .. } =
            helpers::parse_key_schema(meta)?;
        let is_plain = is_empty(&meta.gsi_definitions)
            && is_empty(&meta.lsi_definitions)
            && is_empty(&meta.vector_index_definitions)
            && !meta.stream_enabled
            && partition_key_type == ScalarAttributeType::S
            && sort_key_type.is_none_or(|kind| kind == ScalarAttributeType::S);
        if !is_plain {
            return Ok(None);
        }
        let table = crate::storage_backend::sql_builders::escape_table_name(&meta.table_name);
        Ok(Some(Self {
            partition_key,
            sort_key,
            get: format!("SELECT item_json FROM \"{table}\" WHERE pk = ?1 AND sk = ?2"),
            // What else is in the row, `cached_at`, stays.
            put: format!(
                "INSERT INTO \"{table}\" (pk, sk, item_json, item_size, hash_prefix) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT (pk, sk) DO UPDATE SET item_json = ?3, item_size = ?4, hash_prefix = ?5"
            ),
            create: format!(
                "INSERT INTO \"{table}\" (pk, sk, item_json, item_size, hash_prefix) VALUES (?1, ?2, ?3, ?4, ?5) \
                 ON CONFLICT (pk, sk) DO NOTHING"
            ),
            delete: format!("DELETE FROM \"{table}\" WHERE pk = ?1 AND sk = ?2"),
        }))
    }

    /// Where an item is; none if its key is not one that the table takes.
    fn key_of(&self, item: &Item) -> Option<(String, String)> {
        let text = |name: &str, most: usize| match item.get(name) {
            Some(AttributeValue::S(text)) if (1..=most).contains(&text.len()) => Some(["S:", text].concat()),
            _ => None,
        };
        let sk = match &self.sort_key {
            Some(name) => text(name, MAX_SORT_KEY)?,
            None => String::new(),
        };
        Some((text(&self.partition_key, MAX_PARTITION_KEY)?, sk))
    }

    fn is_of_key(&self, name: &str) -> bool {
        self.partition_key == name || self.sort_key.as_deref() == Some(name)
    }

    fn has_only_a_key(&self, key: &Item) -> bool {
        key.len() == 1 + usize::from(self.sort_key.is_some())
    }

    fn hash_prefix(&self, item: &Item) -> String {
        item.get(&self.partition_key).map(crate::storage::compute_hash_prefix).unwrap_or_default()
    }
}

/// A transaction of which everything is done that needs no database.
pub struct Prepared {
    request: TransactWriteItemsRequest,
    actions: Vec<Action>,
    /// What is wrong with the request in itself.
    refusal: Option<DynoxideError>,
    /// Something in it is for the original to judge.
    is_out_of_the_ordinary: bool,
}

/// What follows from one action's request.
#[derive(Default)]
struct Action {
    condition: Option<ConditionExpr>,
    /// The attribute that must not be there: all that the condition says.
    absent: Option<String>,
    update: Option<UpdateExpr>,
    /// The JSON of the item that is put, and its size.
    put: Option<(String, usize)>,
}

impl Prepared {
    /// Checks a request, parses its expressions and encodes its items.
    pub fn new(request: TransactWriteItemsRequest) -> Self {
        let refusal = original::check_whole_request(&request).err();
        let mut prepared = Self { request, actions: Vec::new(), refusal, is_out_of_the_ordinary: false };
        if prepared.refusal.is_none() {
            match prepared.request.transact_items.iter().map(Action::of).collect() {
                Some(actions) if original::collection_size(&prepared.request) <= MAX_TRANSACTION => {
                    prepared.actions = actions;
                }
                _ => prepared.is_out_of_the_ordinary = true,
            }
        }
        prepared
    }

    /// The request that it was made from.
    pub fn request(&self) -> &TransactWriteItemsRequest {
        &self.request
    }
}

impl Action {
    fn of(item: &TransactWriteItem) -> Option<Self> {
        let expression = item
            .put
            .as_ref()
            .map(|put| put.condition_expression.as_deref())
            .or_else(|| item.update.as_ref().map(|update| update.condition_expression.as_deref()))
            .or_else(|| item.delete.as_ref().map(|delete| delete.condition_expression.as_deref()))
            .or_else(|| item.condition_check.as_ref().map(|check| Some(check.condition_expression.as_str())))?;
        let condition = expression.map(condition::parse).transpose().ok()?;
        let update = match &item.update {
            Some(action) => Some(update::parse(&action.update_expression).ok()?),
            None => None,
        };
        let put = match &item.put {
            Some(put) => Some(encode(&put.item)?),
            None => None,
        };
        let absent = match &condition {
            Some(ConditionExpr::AttributeNotExists(path)) => match path.as_slice() {
                [PathElement::Attribute(name)] if !name.starts_with('#') => Some(name.clone()),
                _ => None,
            },
            _ => None,
        };
        Some(Self { condition, absent, update, put })
    }
}

/// The JSON of an item as it is stored, and its size; none if DynamoDB refuses it.
fn encode(item: &Item) -> Option<(String, usize)> {
    crate::validation::validate_item_attribute_values(item).ok()?;
    if item.values().all(is_normal) {
        return Some((serde_json::to_string(item).ok()?, types::item_size(item)));
    }
    let mut item = item.clone();
    crate::validation::normalize_item_sets(&mut item);
    Some((serde_json::to_string(&item).ok()?, types::item_size(&item)))
}

/// Whether normalising leaves a value as it is.
fn is_normal(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::S(_) | AttributeValue::B(_) | AttributeValue::BOOL(_) | AttributeValue::NULL(_) => true,
        AttributeValue::N(digits) => {
            digits.len() <= 18
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && (digits == "0" || !digits.starts_with('0') && !digits.is_empty())
        }
        _ => false,
    }
}

/// Transactions that share a commit. Each is made or refused by itself, but none is answered before the commit.
pub struct Group<'a> {
    storage: &'a Storage,
    answers: Vec<Result<TransactWriteItemsResponse>>,
    /// Why the storage failed, after which nothing of the group stays.
    failure: Option<DynoxideError>,
}

impl Group<'_> {
    /// Makes a transaction, unless the storage has failed.
    pub fn add(&mut self, transaction: &Prepared) {
        if self.failure.is_some() {
            return self.answers.push(Err(DynoxideError::InternalServerError(String::new())));
        }
        let made = match attempt(self.storage, transaction) {
            Ok(Attempt::Made(capacity)) => Ok(original::response(&transaction.request, &capacity)),
            Ok(Attempt::Refused(refusal)) => Err(refusal),
            Ok(Attempt::ForTheOriginal) => {
                original::execute_in_group(self.storage, transaction.request.clone())
            }
            Err(error) => {
                self.failure = Some(error);
                Err(DynoxideError::InternalServerError(String::new()))
            }
        };
        self.answers.push(made);
        if self.failure.is_none() && self.storage.group_is_lost() {
            // The answer before the last cannot be true either.
            let lost = || DynoxideError::InternalServerError("the transaction was rolled back".to_owned());
            self.failure = Some(self.answers.pop().and_then(Result::err).unwrap_or_else(lost));
            self.answers.push(Err(lost()));
        }
    }
}

/// Makes the transactions that `fill` adds, all of them durable when this returns. The answers stand in their order. If the
/// storage itself fails, none of them was made.
pub(crate) fn transact_group(
    storage: &Storage,
    fill: impl FnOnce(&mut Group<'_>),
) -> Vec<Result<TransactWriteItemsResponse>> {
    let begun = storage.begin_group();
    let mut group = Group { storage, answers: Vec::new(), failure: begun.err() };
    fill(&mut group);
    let Group { answers, failure, .. } = group;
    let ended = match failure {
        None => storage.commit_group(),
        Some(error) => Err(error),
    };
    let Err(error) = ended else { return answers };
    // What failed already is told by its own error or by this one; either way nothing was made.
    let _ = storage.roll_back_group();
    let words = error.to_string();
    answers.iter().map(|_| Err(DynoxideError::InternalServerError(words.clone()))).collect()
}

enum Attempt {
    Made(Vec<WriteCapacity>),
    Refused(DynoxideError),
    /// Nothing was written.
    ForTheOriginal,
}

/// What an action will write.
struct Step {
    table: Arc<PlainTable>,
    pk: String,
    sk: String,
    change: Change,
}

enum Change {
    Nothing,
    /// The JSON of the item that the transaction holds already.
    PutAsGiven,
    /// The same, if nothing is there.
    Create,
    Put(String, usize),
    Delete,
}

/// Writes all or nothing of a transaction. An error is one of the storage.
fn attempt(storage: &Storage, transaction: &Prepared) -> Result<Attempt> {
    if transaction.refusal.is_some() || transaction.is_out_of_the_ordinary {
        return Ok(Attempt::ForTheOriginal);
    }
    let items = &transaction.request.transact_items;
    let wants_capacity = types::capacity_wanted(transaction.request.return_consumed_capacity.as_deref());
    let mut steps: Vec<Step> = Vec::with_capacity(items.len());
    let mut capacity = Vec::new();
    let mut refusals: Vec<Option<Option<Item>>> = Vec::with_capacity(items.len());
    for (item, action) in items.iter().zip(&transaction.actions) {
        let Some((table, pk, sk)) = place(storage, item)? else { return Ok(Attempt::ForTheOriginal) };
        let Some(outcome) = look(storage, item, action, &table, (&pk, &sk), wants_capacity)? else {
            return Ok(Attempt::ForTheOriginal);
        };
        let (change, used) = match outcome {
            Looked::NotYet => {
                refusals.push(None);
                (Change::Create, None)
            }
            Looked::Holds(change, used) => {
                refusals.push(None);
                (change, used)
            }
            Looked::Fails(found) => {
                refusals.push(Some(found));
                (Change::Nothing, None)
            }
        };
        capacity.extend(used);
        steps.push(Step { table, pk, sk, change });
    }
    let mut places = HashSet::with_capacity(steps.len());
    if !steps.iter().all(|step| places.insert((Arc::as_ptr(&step.table), &step.pk, &step.sk))) {
        return Ok(Attempt::ForTheOriginal);
    }
    // Those first that show only now whether they are possible; they are easily taken back.
    let mut created = Vec::with_capacity(steps.len());
    for (place, (step, item)) in steps.iter().zip(items).enumerate() {
        if !matches!(step.change, Change::Create) {
            continue;
        }
        if write(storage, step, item, &transaction.actions[place])? {
            created.push(step);
        } else {
            refusals[place] = Some(found(storage, step, item)?);
        }
    }
    if refusals.iter().any(Option::is_some) {
        for step in created {
            storage.plain_delete(&step.table.delete, &step.pk, &step.sk)?;
        }
        return Ok(Attempt::Refused(cancelled(refusals)));
    }
    for ((step, item), action) in steps.iter().zip(items).zip(&transaction.actions) {
        if !matches!(step.change, Change::Create) {
            write(storage, step, item, action)?;
        }
    }
    Ok(Attempt::Made(capacity))
}

/// The table of an action and where in it its item is; none if the table is not plain, or the key not one of it.
fn place(storage: &Storage, item: &TransactWriteItem) -> Result<Option<(Arc<PlainTable>, String, String)>> {
    let (table_name, key, is_key_alone) = if let Some(put) = &item.put {
        (&put.table_name, &put.item, false)
    } else if let Some(update) = &item.update {
        (&update.table_name, &update.key, true)
    } else if let Some(delete) = &item.delete {
        (&delete.table_name, &delete.key, true)
    } else if let Some(check) = &item.condition_check {
        (&check.table_name, &check.key, true)
    } else {
        return Ok(None);
    };
    let Some(table) = storage.plain_table(table_name)? else { return Ok(None) };
    if is_key_alone && !table.has_only_a_key(key) {
        return Ok(None);
    }
    Ok(table.key_of(key).map(|(pk, sk)| (table, pk, sk)))
}

enum Looked {
    /// The condition is that nothing is there: whether it holds shows when the item is written.
    NotYet,
    Holds(Change, Option<WriteCapacity>),
    /// The condition does not hold; the item to tell of, if that was asked for.
    Fails(Option<Item>),
}

/// Looks at what is stored; none if the original has something to say.
fn look(
    storage: &Storage,
    item: &TransactWriteItem,
    action: &Action,
    table: &PlainTable,
    (pk, sk): (&str, &str),
    wants_capacity: bool,
) -> Result<Option<Looked>> {
    if item.put.is_some() && !wants_capacity && action.absent.as_ref().is_some_and(|name| table.is_of_key(name)) {
        return Ok(Some(Looked::NotYet));
    }
    let is_read = action.condition.is_some() || item.update.is_some() || wants_capacity;
    let stored = if is_read { storage.plain_get(&table.get, pk, sk)? } else { None };
    let stored: Option<Item> = stored.as_deref().and_then(|json| serde_json::from_str(json).ok());
    let (names, values, wants_old, table_name) = if let Some(put) = &item.put {
        let wants = &put.return_values_on_condition_check_failure;
        (&put.expression_attribute_names, &put.expression_attribute_values, wants, &put.table_name)
    } else if let Some(update) = &item.update {
        let wants = &update.return_values_on_condition_check_failure;
        (&update.expression_attribute_names, &update.expression_attribute_values, wants, &update.table_name)
    } else if let Some(delete) = &item.delete {
        let wants = &delete.return_values_on_condition_check_failure;
        (&delete.expression_attribute_names, &delete.expression_attribute_values, wants, &delete.table_name)
    } else if let Some(check) = &item.condition_check {
        let wants = &check.return_values_on_condition_check_failure;
        (&check.expression_attribute_names, &check.expression_attribute_values, wants, &check.table_name)
    } else {
        return Ok(None);
    };
    let attributes = TrackedExpressionAttributes::without_tracking(names, values);
    if let Some(parsed) = &action.condition {
        let nothing = Item::new();
        let Ok(holds) = condition::evaluate(parsed, stored.as_ref().unwrap_or(&nothing), &attributes) else {
            return Ok(None);
        };
        if !holds {
            let wants_old = wants_old.as_deref() == Some("ALL_OLD");
            return Ok(Some(Looked::Fails(stored.filter(|_| wants_old))));
        }
    }
    let old_size = wants_capacity.then(|| stored.as_ref().map(types::item_size)).flatten();
    let used = |new_size| {
        let none = std::collections::HashMap::new;
        wants_capacity.then(|| WriteCapacity::new(table_name, old_size, new_size, none(), none()))
    };
    if let Some((_, size)) = &action.put {
        return Ok(Some(Looked::Holds(Change::PutAsGiven, used(Some(*size)))));
    }
    if let (Some(action), Some(parsed)) = (&item.update, &action.update) {
        let mut item = stored.unwrap_or_else(|| action.key.clone());
        if update::apply(&mut item, parsed, &attributes).is_err()
            || crate::validation::validate_updated_item_nesting(&item).is_err()
            || types::item_size(&item) > types::MAX_ITEM_SIZE
        {
            return Ok(None);
        }
        let Some((json, size)) = encode(&item) else { return Ok(None) };
        return Ok(Some(Looked::Holds(Change::Put(json, size), used(Some(size)))));
    }
    if item.delete.is_some() {
        return Ok(Some(Looked::Holds(Change::Delete, used(None))));
    }
    let used = wants_capacity.then(|| WriteCapacity::condition_check(table_name, stored.as_ref(), &[]));
    Ok(Some(Looked::Holds(Change::Nothing, used)))
}

/// The cancellation with a reason for each action, as the original words it.
fn cancelled(refusals: Vec<Option<Option<Item>>>) -> DynoxideError {
    let reason = |refusal: Option<Option<Item>>| match refusal {
        None => CancellationReason { code: "None".to_owned(), message: None, item: None },
        Some(item) => CancellationReason {
            code: "ConditionalCheckFailed".to_owned(),
            message: Some("The conditional request failed".to_owned()),
            item,
        },
    };
    original::cancelled(refusals.into_iter().map(reason).collect())
}

/// The item that stands where a new one was to be put, if that was asked for.
fn found(storage: &Storage, step: &Step, item: &TransactWriteItem) -> Result<Option<Item>> {
    let wants = item.put.as_ref().and_then(|put| put.return_values_on_condition_check_failure.as_deref());
    if wants != Some("ALL_OLD") {
        return Ok(None);
    }
    let json = storage.plain_get(&step.table.get, &step.pk, &step.sk)?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
}

/// False if something was there and nothing should be.
fn write(storage: &Storage, step: &Step, item: &TransactWriteItem, action: &Action) -> Result<bool> {
    let Step { table, pk, sk, change } = step;
    let (json, size) = match (change, &action.put) {
        (Change::Delete, _) => {
            storage.plain_delete(&table.delete, pk, sk)?;
            return Ok(true);
        }
        (Change::Put(json, size), _) | (Change::PutAsGiven | Change::Create, Some((json, size))) => (json, *size),
        (Change::Nothing, _) | (Change::PutAsGiven | Change::Create, None) => return Ok(true),
    };
    let sql = if matches!(change, Change::Create) { &table.create } else { &table.put };
    let key = item.put.as_ref().map(|put| &put.item).or(item.update.as_ref().map(|update| &update.key));
    let hash_prefix = key.map(|key| table.hash_prefix(key)).unwrap_or_default();
    storage.plain_put(sql, (pk, sk), (json, size), &hash_prefix)
}
