//! [`Object`] and [`Array`]: the containers, each remembering how long its text is.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Json;

/// From this many entries on an object keeps an index; below it looking at each key is faster.
const INDEXED_FROM: usize = 16;

/// The entries of a JSON object, in the order in which their keys first came.
#[derive(Clone, Debug, Default)]
pub struct Object {
    entries: Vec<(Arc<str>, Json)>,
    /// In a box, as few objects are so large and all of them carry it.
    index: Option<Box<Index>>,
    pub(super) measured: Measured,
    pub(super) verbatim: Verbatim,
}

/// The indices of the entries by their keys.
#[derive(Clone, Debug)]
struct Index(HashMap<Arc<str>, usize>);

impl Object {
    /// An object without entries.
    pub fn new() -> Object {
        Object::default()
    }

    /// An object without entries, with room for this many.
    pub fn with_capacity(entries: usize) -> Object {
        Object { entries: Vec::with_capacity(entries), ..Object::default() }
    }

    /// An object of entries whose keys are known to differ.
    pub(in crate::data) fn from_distinct(entries: Vec<(Arc<str>, Json)>) -> Object {
        let mut object = Object { entries, ..Object::default() };
        object.rebuild_index();
        object
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn position(&self, key: &str) -> Option<usize> {
        match &self.index {
            Some(index) => index.0.get(key).copied(),
            None => self.entries.iter().position(|(known, _)| &**known == key),
        }
    }

    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.position(key).map(|at| &self.entries[at].1)
    }

    /// The value under a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        let at = self.position(key)?;
        self.forget();
        Some(&mut self.entries[at].1)
    }

    /// Whether there is such a key.
    pub fn contains_key(&self, key: &str) -> bool {
        self.position(key).is_some()
    }

    /// Sets the value under a key: at the index of the old one, which is returned, or at the end.
    pub fn insert(&mut self, key: impl Into<Arc<str>>, value: Json) -> Option<Json> {
        self.forget();
        let key = key.into();
        if let Some(at) = self.position(&key) {
            return Some(std::mem::replace(&mut self.entries[at].1, value));
        }
        if let Some(index) = &mut self.index {
            index.0.insert(Arc::clone(&key), self.entries.len());
        }
        self.entries.push((key, value));
        if self.index.is_none() && self.entries.len() >= INDEXED_FROM {
            self.rebuild_index();
        }
        None
    }

    /// Takes out the entry under a key; the order of the others stays.
    pub fn remove(&mut self, key: &str) -> Option<Json> {
        let at = self.position(key)?;
        self.forget();
        let (_, value) = self.entries.remove(at);
        if self.index.is_some() {
            self.rebuild_index();
        }
        Some(value)
    }

    /// Forgets what was true of the entries before a change.
    fn forget(&mut self) {
        self.measured.forget();
        self.verbatim = None;
    }

    fn rebuild_index(&mut self) {
        let indices = self.entries.iter().enumerate().map(|(at, (key, _))| (Arc::clone(key), at));
        self.index = (self.entries.len() >= INDEXED_FROM).then(|| Box::new(Index(indices.collect())));
    }

    /// The entries in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&Arc<str>, &Json)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key, value))
    }

    /// The keys in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Arc<str>> + ExactSizeIterator {
        self.entries.iter().map(|(key, _)| key)
    }

    /// The values in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Json> + ExactSizeIterator {
        self.entries.iter().map(|(_, value)| value)
    }
}

/// The order of keys does not matter.
impl PartialEq for Object {
    fn eq(&self, other: &Object) -> bool {
        self.len() == other.len() && self.iter().all(|(key, value)| other.get(key) == Some(value))
    }
}

impl Eq for Object {}

impl Hash for Object {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // The hashes of the entries are added up, so that their order does not matter.
        let entries = self.iter().map(|entry| {
            let mut hasher = DefaultHasher::new();
            entry.hash(&mut hasher);
            hasher.finish()
        });
        entries.fold(0u64, u64::wrapping_add).hash(state);
    }
}

impl<K: Into<Arc<str>>> FromIterator<(K, Json)> for Object {
    fn from_iter<I: IntoIterator<Item = (K, Json)>>(entries: I) -> Object {
        let entries = entries.into_iter();
        let mut object = Object::with_capacity(entries.size_hint().0);
        for (key, value) in entries {
            object.insert(key, value);
        }
        object
    }
}

impl IntoIterator for Object {
    type Item = (Arc<str>, Json);
    type IntoIter = std::vec::IntoIter<(Arc<str>, Json)>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

/// The items of a JSON array; reads like a slice.
#[derive(Clone, Debug, Default)]
pub struct Array {
    items: Vec<Json>,
    pub(super) measured: Measured,
    pub(super) verbatim: Verbatim,
}

impl Array {
    /// The items, to change them.
    pub fn items_mut(&mut self) -> &mut Vec<Json> {
        self.measured.forget();
        self.verbatim = None;
        &mut self.items
    }
}

impl From<Vec<Json>> for Array {
    fn from(items: Vec<Json>) -> Array {
        Array { items, measured: Measured::default(), verbatim: None }
    }
}

impl Deref for Array {
    type Target = [Json];

    fn deref(&self) -> &[Json] {
        &self.items
    }
}

impl PartialEq for Array {
    fn eq(&self, other: &Array) -> bool {
        self.items == other.items
    }
}

impl Eq for Array {}

impl Hash for Array {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.items.hash(state);
    }
}

/// The text that a container was read from, where it differs from the compact one. In two steps, as few containers have
/// one and all of them carry it.
pub(super) type Verbatim = Option<Arc<Box<str>>>;

/// Length of the text and depth of the nesting of a value.
#[derive(Clone, Copy)]
pub(super) struct Measure {
    pub(super) len: usize,
    pub(super) depth: usize,
}

/// A [`Measure`] once it has been taken. Zero is "not yet": no text of a container is empty.
#[derive(Debug, Default)]
pub(super) struct Measured(AtomicU64);

/// The length takes the lower bits; a terabyte of text does not come up, and depth is bounded by what was built.
const DEPTH_SHIFT: u32 = 40;

impl Measured {
    pub(super) fn known(&self) -> Option<Measure> {
        // A lost update between threads only means that one more of them measures; nothing hangs on the order.
        let packed = self.0.load(Ordering::Relaxed);
        let len = packed & ((1 << DEPTH_SHIFT) - 1);
        (packed != 0).then_some(Measure { len: len as usize, depth: (packed >> DEPTH_SHIFT) as usize })
    }

    pub(super) fn remember(&self, measure: Measure) {
        self.0.store((measure.depth as u64) << DEPTH_SHIFT | measure.len as u64, Ordering::Relaxed);
    }

    fn forget(&mut self) {
        *self.0.get_mut() = 0;
    }
}

impl Clone for Measured {
    fn clone(&self) -> Measured {
        Measured(AtomicU64::new(self.0.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_object_finds_its_keys_and_keeps_their_order() {
        let mut object: Object = (0..100).map(|n| (format!("key{n}"), Json::from(n))).collect();
        assert_eq!(object.get("key77"), Some(&Json::from(77)));
        assert_eq!(object.remove("key10"), Some(Json::from(10)));
        assert_eq!(object.get("key77"), Some(&Json::from(77)));
        assert_eq!(object.get("key10"), None);
        assert_eq!(object.insert("key5", Json::Null), Some(Json::from(5)));
        let keys: Vec<_> = object.keys().map(|key| &**key).skip(8).take(3).collect();
        assert_eq!(keys, ["key8", "key9", "key11"]);
        for n in 11..95 {
            object.remove(&format!("key{n}"));
        }
        assert_eq!(object.get("key99"), Some(&Json::from(99)));
        assert_eq!(object.len(), 15);
    }

    #[test]
    fn a_change_forgets_the_remembered_length() {
        let mut value = Json::parse(r#"{"a":[1,2]}"#).unwrap();
        assert_eq!((value.serialized_len(), value.depth()), (11, 2));
        let inner = value.as_object_mut().unwrap().get_mut("a").unwrap();
        inner.as_array_mut().unwrap().push(Json::array([Json::from(10)]));
        assert_eq!((value.serialized_len(), value.depth()), (16, 3));
    }
}
