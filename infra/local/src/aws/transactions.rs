//! Transactions of the embedded DynamoDB: read on the thread of the caller, and made together with those that wait beside
//! them, so that they share a commit and its sync of the file.
//!
//! A transaction that comes again under its token must not be made again. The library sees to that itself, but it turns
//! each request into a JSON tree with sorted members to compare it, copies the request and its answer, keeps the size of
//! each item for ten minutes (5 KB a transaction: of a million people 150 MB), and looks through all that it keeps at each
//! call. Here what is kept of a transaction is a hash of its request and, if it is more than an empty object, its answer.
//!
//! DIFFERENCE: a transaction that comes again and asks for its consumed capacity gets what it consumed the first time.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use dynoxide::actions::plain::Prepared;
use dynoxide::actions::transact_write_items::{
    TransactWriteItem, TransactWriteItemsRequest, TransactWriteItemsResponse,
};
use dynoxide::{AttributeValue, Database, DynoxideError, Item};

/// How long DynamoDB remembers a token.
const WINDOW: Duration = Duration::from_secs(600);
/// More transactions than in ten minutes are made here. Beyond it the oldest are forgotten.
const MAX_TOKENS: usize = 1_000_000;
/// DynamoDB refuses a longer token; the library says so.
const MAX_TOKEN_LENGTH: usize = 36;
/// As many transactions share a commit, about: what others ask meanwhile waits for it.
pub(super) const MAX_GROUP: usize = 8;

/// A transaction that was read.
pub(super) struct Transaction {
    prepared: Prepared,
    token: Option<String>,
    /// A hash of its items, whatever the order of their members; of no meaning without a token.
    hash: u64,
}

impl Transaction {
    /// Reads all of a request that can be read without the database.
    pub(super) fn new(mut request: TransactWriteItemsRequest) -> Self {
        // A token that is too long is for the library to refuse.
        let token = request.client_request_token.take_if(|token| token.len() <= MAX_TOKEN_LENGTH);
        let hash = token.as_ref().map_or(0, |_| items_hash(&request.transact_items));
        Self { prepared: Prepared::new(request), token, hash }
    }

    /// Whether it erases an item of a table whose name holds this word.
    pub(super) fn erases_of(&self, word: &str) -> bool {
        let items = &self.prepared.request().transact_items;
        items.iter().filter_map(|item| item.delete.as_ref()).any(|delete| delete.table_name.contains(word))
    }
}

/// The JSON of the answer to a transaction, or why it was not made.
pub(super) type Answer = Result<Vec<u8>, DynoxideError>;

/// A transaction that was answered: its creator frees it, for the memory is in the caches of that thread.
pub(super) struct Answered {
    pub(super) answer: Answer,
    pub(super) transaction: Transaction,
}

/// Makes transactions, unless they were made before under their tokens: the first ones, and those that `more` brings while
/// they share a commit, until it brings none. What is answered is durable. The answers are in the order of the transactions.
pub(super) fn transact_all(
    database: &Database,
    tokens: &mut Tokens,
    first: Vec<Transaction>,
    mut more: impl FnMut(usize) -> Vec<Transaction>,
) -> Vec<Answered> {
    let mut all: Vec<(Transaction, Option<Answer>)> = Vec::new();
    let mut made: Vec<usize> = Vec::new();
    // Under a token that is in the group: what comes of the first shows after the commit.
    let mut again: Vec<usize> = Vec::new();
    let mut in_group: HashSet<String> = HashSet::new();
    let answers = database.transact_write_group(|group| {
        let mut arrived = first;
        while !arrived.is_empty() {
            for transaction in arrived {
                let place = all.len();
                let token = transaction.token.as_ref();
                let answer = token
                    .and_then(|token| tokens.find(token, Instant::now()))
                    .map(|kept| kept.again(transaction.hash));
                if answer.is_none() {
                    if token.is_none_or(|token| in_group.insert(token.clone())) {
                        group.add(&transaction.prepared);
                        made.push(place);
                    } else {
                        again.push(place);
                    }
                }
                all.push((transaction, answer));
            }
            arrived = more(made.len());
        }
    });
    let answers = answers.unwrap_or_else(|error| {
        let words = error.to_string();
        made.iter().map(|_| Err(failure(&words))).collect()
    });
    for (place, made) in made.into_iter().zip(answers) {
        let (transaction, answer) = &mut all[place];
        *answer = Some(tokens.keep(transaction, made));
    }
    for place in again {
        let (transaction, answer) = &mut all[place];
        let kept = transaction.token.as_ref().and_then(|token| tokens.find(token, Instant::now()));
        *answer = Some(match kept {
            Some(kept) => kept.again(transaction.hash),
            // The first was refused, so that this one is like any other.
            None => {
                let made = database.transact_write_group(|group| group.add(&transaction.prepared));
                let made = made.and_then(|mut made| made.pop().unwrap_or_else(|| Err(failure(NOT_MADE))));
                tokens.keep(transaction, made)
            }
        });
    }
    let answered = |(transaction, answer): (Transaction, Option<Answer>)| Answered {
        answer: answer.unwrap_or_else(|| Err(failure(NOT_MADE))),
        transaction,
    };
    all.into_iter().map(answered).collect()
}

const NOT_MADE: &str = "the transaction was not made";

fn failure(words: &str) -> DynoxideError {
    DynoxideError::InternalServerError(words.to_owned())
}

const EMPTY: &[u8] = b"{}";

/// The transactions of the last ten minutes.
#[derive(Default)]
pub(super) struct Tokens {
    kept: HashMap<String, Kept>,
    /// The tokens, the oldest first.
    order: VecDeque<(Instant, String)>,
}

struct Kept {
    hash: u64,
    /// Nothing if it is an empty object.
    answer: Option<Box<[u8]>>,
}

impl Kept {
    /// What a transaction is answered that comes under the same token.
    fn again(&self, hash: u64) -> Answer {
        if self.hash == hash {
            Ok(self.answer.as_deref().unwrap_or(EMPTY).to_vec())
        } else {
            Err(DynoxideError::IdempotentParameterMismatchException(
                "An error occurred (IdempotentParameterMismatchException)".to_owned(),
            ))
        }
    }
}

impl Tokens {
    fn find(&mut self, token: &str, now: Instant) -> Option<&Kept> {
        while self.order.len() > MAX_TOKENS
            || self.order.front().is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW)
        {
            if let Some((_, token)) = self.order.pop_front() {
                self.kept.remove(&token);
            }
        }
        self.kept.get(token)
    }

    /// Words what came of a transaction, and keeps it if the transaction was made.
    fn keep(
        &mut self,
        transaction: &Transaction,
        made: Result<TransactWriteItemsResponse, DynoxideError>,
    ) -> Answer {
        let body = serde_json::to_vec(&made?).map_err(|error| failure(&error.to_string()))?;
        if let Some(token) = &transaction.token {
            self.keep_at(token.clone(), transaction.hash, &body, Instant::now());
        }
        Ok(body)
    }

    fn keep_at(&mut self, token: String, hash: u64, body: &[u8], now: Instant) {
        let answer = (body != EMPTY).then(|| body.into());
        self.kept.insert(token.clone(), Kept { hash, answer });
        self.order.push_back((now, token));
    }
}

/// Keyed anew in each process, so that nobody finds two transactions of one hash.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// A hash of what a transaction does: the same for items and expressions whose members are in another order.
fn items_hash(items: &[TransactWriteItem]) -> u64 {
    let mut hasher = HASHER.build_hasher();
    for item in items {
        action_hash(item).hash(&mut hasher);
    }
    hasher.finish()
}

fn action_hash(item: &TransactWriteItem) -> u64 {
    let mut hasher = HASHER.build_hasher();
    let mut add = |kind: u8,
                   table: &str,
                   item: &Item,
                   texts: [Option<&str>; 3],
                   names: Option<u64>,
                   values: Option<u64>| {
        (kind, table, members_hash(item), texts, names, values).hash(&mut hasher);
    };
    let names = |names: &Option<HashMap<String, String>>| names.as_ref().map(names_hash);
    let values = |values: &Option<Item>| values.as_ref().map(members_hash);
    if let Some(put) = &item.put {
        let texts = [
            None,
            put.condition_expression.as_deref(),
            put.return_values_on_condition_check_failure.as_deref(),
        ];
        let (names, values) =
            (names(&put.expression_attribute_names), values(&put.expression_attribute_values));
        add(0, &put.table_name, &put.item, texts, names, values);
    }
    if let Some(update) = &item.update {
        let texts = [
            Some(update.update_expression.as_str()),
            update.condition_expression.as_deref(),
            update.return_values_on_condition_check_failure.as_deref(),
        ];
        let (names, values) =
            (names(&update.expression_attribute_names), values(&update.expression_attribute_values));
        add(1, &update.table_name, &update.key, texts, names, values);
    }
    if let Some(delete) = &item.delete {
        let texts = [
            None,
            delete.condition_expression.as_deref(),
            delete.return_values_on_condition_check_failure.as_deref(),
        ];
        let (names, values) =
            (names(&delete.expression_attribute_names), values(&delete.expression_attribute_values));
        add(2, &delete.table_name, &delete.key, texts, names, values);
    }
    if let Some(check) = &item.condition_check {
        let texts = [
            None,
            Some(check.condition_expression.as_str()),
            check.return_values_on_condition_check_failure.as_deref(),
        ];
        let (names, values) =
            (names(&check.expression_attribute_names), values(&check.expression_attribute_values));
        add(3, &check.table_name, &check.key, texts, names, values);
    }
    hasher.finish()
}

/// A sum does not know in which order it was added up.
fn members_hash(members: &Item) -> u64 {
    let member = |(name, value): (&String, &AttributeValue)| {
        let mut hasher = HASHER.build_hasher();
        name.hash(&mut hasher);
        value_hash(value, &mut hasher);
        hasher.finish()
    };
    members.iter().map(member).fold(0, u64::wrapping_add)
}

fn names_hash(names: &HashMap<String, String>) -> u64 {
    names.iter().map(|name| HASHER.hash_one(name)).fold(0, u64::wrapping_add)
}

fn value_hash(value: &AttributeValue, hasher: &mut impl Hasher) {
    match value {
        AttributeValue::S(text) => (0u8, text).hash(hasher),
        AttributeValue::N(digits) => (1u8, digits).hash(hasher),
        AttributeValue::B(bytes) => (2u8, bytes).hash(hasher),
        AttributeValue::BOOL(value) => (3u8, value).hash(hasher),
        AttributeValue::NULL(value) => (4u8, value).hash(hasher),
        AttributeValue::SS(texts) => (5u8, texts).hash(hasher),
        AttributeValue::NS(numbers) => (6u8, numbers).hash(hasher),
        AttributeValue::BS(blobs) => (7u8, blobs).hash(hasher),
        AttributeValue::L(values) => {
            (8u8, values.len()).hash(hasher);
            values.iter().for_each(|value| value_hash(value, hasher));
        }
        AttributeValue::M(members) => (9u8, members.len(), members_hash(members)).hash(hasher),
    }
}

#[cfg(test)]
mod tests;
