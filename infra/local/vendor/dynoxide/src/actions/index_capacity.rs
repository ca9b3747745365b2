//! Write capacity consumed by a secondary index.
//!
//! DynamoDB charges index replication against the change to what the index
//! stores, not against the item the write leaves behind. A write that leaves an
//! index's stored view untouched costs nothing on that index; moving an index key
//! costs two writes, because it is a delete from the old position and an insert
//! into the new one.
//!
//! The rules below are captured against real DynamoDB in eu-west-2. `old` and
//! `new` are the projected index entries either side of the write, and either can
//! be absent because the item did not exist or was not a member of the index.
//!
//! | Before  | After                          | Charge                        |
//! |---------|--------------------------------|-------------------------------|
//! | absent  | absent                         | nothing                       |
//! | absent  | present                        | `ceil(new)`                   |
//! | present | absent                         | `ceil(old)`                   |
//! | present | present, same key, identical   | nothing                       |
//! | present | present, same key, differing   | `max(ceil(old), ceil(new))`   |
//! | present | present, differing key         | `ceil(old) + ceil(new)`       |
//!
//! Sizing is on the projected index entry throughout, never on the base item, so
//! a 3KB attribute the index does not project costs it nothing. LSIs follow the
//! same rules as GSIs.

use super::gsi::{IndexDef, build_index_item};
use crate::types::{
    AttributeValue, Item, item_size, table_write_capacity_units, write_capacity_units,
};
use std::collections::HashMap;

/// One index's stored view of an item.
pub(crate) struct IndexEntry {
    /// The `(pk, sk)` position of the entry, which decides whether a write moves
    /// it or overwrites it in place.
    pub(crate) key: (String, String),
    pub(crate) projected: Item,
    size: usize,
}

/// Build the index's stored view of `item`, or `None` when the item is not a
/// member of this index. Membership is the existing sparse-index rule.
///
/// Visible to the fan-out so it can build the new item's entry once and hand it
/// to [`index_write_units_for`], rather than each building its own copy of the
/// same projection.
pub(crate) fn entry_for(
    item: &Item,
    index: &IndexDef,
    table_pk: &str,
    table_sk: Option<&str>,
) -> Option<IndexEntry> {
    let key = index.index_key_strings(item)?;
    let projected = build_index_item(item, index, table_pk, table_sk);
    let size = crate::types::item_size(&projected);
    Some(IndexEntry {
        key,
        projected,
        size,
    })
}

/// Write capacity units one index consumes for a single write, or `None` when
/// the index's stored view does not change.
///
/// `None` is distinct from `Some(0.0)`: the caller records nothing for that
/// index, so the arm is absent from the response rather than present and zeroed.
/// Pass `None` for `old_item` when no item existed beforehand, and `None` for
/// `new_item` on a delete.
pub fn index_write_units(
    old_item: Option<&Item>,
    new_item: Option<&Item>,
    index: &IndexDef,
    table_pk: &str,
    table_sk: Option<&str>,
) -> Option<f64> {
    let new = new_item.and_then(|item| entry_for(item, index, table_pk, table_sk));
    index_write_units_for(old_item, new, index, table_pk, table_sk)
}

/// As [`index_write_units`], for a caller that has already built the new item's
/// entry.
///
/// The fan-out builds that entry to store it, and building it a second time to
/// measure it is the same projection twice. On a table with two indexes an
/// overwrite went from six projections to four by sharing it.
pub(crate) fn index_write_units_for(
    old_item: Option<&Item>,
    new: Option<IndexEntry>,
    index: &IndexDef,
    table_pk: &str,
    table_sk: Option<&str>,
) -> Option<f64> {
    let old = old_item.and_then(|item| entry_for(item, index, table_pk, table_sk));

    match (old, new) {
        (None, None) => None,
        (None, Some(new)) => Some(write_capacity_units(new.size)),
        (Some(old), None) => Some(write_capacity_units(old.size)),
        (Some(old), Some(new)) if old.key != new.key => {
            // A move is a delete and an insert, each rounded on its own image
            // before they are added. Rounding the summed bytes once would
            // under-charge either side of a KB boundary.
            Some(write_capacity_units(old.size) + write_capacity_units(new.size))
        }
        (Some(old), Some(new)) if unchanged(&old.projected, &new.projected) => None,
        (Some(old), Some(new)) => {
            // Overwritten in place, and charged on the larger of the two images
            // rather than on the one left behind.
            Some(write_capacity_units(old.size).max(write_capacity_units(new.size)))
        }
    }
}

/// Whether two projected entries hold the same thing, in DynamoDB's terms.
///
/// Sets are unordered, so a re-put listing the same members in a different order
/// leaves the index's stored view untouched and costs nothing. `SS`, `NS` and
/// `BS` are backed by `Vec`, so a derived comparison would call that a change
/// and charge for it. Lists keep their order, because DynamoDB lists are
/// ordered.
pub(crate) fn unchanged(old: &Item, new: &Item) -> bool {
    old.len() == new.len()
        && old
            .iter()
            .all(|(name, a)| new.get(name).is_some_and(|b| value_unchanged(a, b)))
}

pub(crate) fn value_unchanged(a: &AttributeValue, b: &AttributeValue) -> bool {
    match (a, b) {
        (AttributeValue::SS(x), AttributeValue::SS(y)) => set_unchanged(x, y),
        (AttributeValue::NS(x), AttributeValue::NS(y)) => set_unchanged(x, y),
        (AttributeValue::BS(x), AttributeValue::BS(y)) => set_unchanged(x, y),
        (AttributeValue::L(x), AttributeValue::L(y)) => {
            x.len() == y.len() && x.iter().zip(y).all(|(p, q)| value_unchanged(p, q))
        }
        (AttributeValue::M(x), AttributeValue::M(y)) => unchanged(x, y),
        _ => a == b,
    }
}

fn set_unchanged<T: Ord>(x: &[T], y: &[T]) -> bool {
    if x.len() != y.len() {
        return false;
    }
    let mut x: Vec<&T> = x.iter().collect();
    let mut y: Vec<&T> = y.iter().collect();
    x.sort_unstable();
    y.sort_unstable();
    x == y
}

/// What one write contributes to `ConsumedCapacity`.
///
/// The base table arm is sized on the images either side of the write and the
/// index arms come from the maintenance helpers, which have already applied the
/// delta rules above. Holding the three apart until aggregation is what keeps
/// the transactional factor off the index arms.
#[derive(Debug, Clone, Default)]
pub struct WriteCapacity {
    pub table_name: String,
    /// The item before the write, absent when nothing was there.
    pub old_size: Option<usize>,
    /// The item after the write, absent on a delete.
    pub new_size: Option<usize>,
    pub gsi_units: HashMap<String, f64>,
    pub lsi_units: HashMap<String, f64>,
    /// Per-vector-index replication bytes. Held apart from the unit maps
    /// because vector replication is billed on its own axis: the figures never
    /// reach `CapacityUnits` and never take the transactional factor.
    pub vector_bytes: HashMap<String, f64>,
}

impl WriteCapacity {
    /// Build from the image sizes either side of a write and the per-index
    /// units the maintenance helpers returned.
    ///
    /// Callers that already hold a size should pass it: the write paths compute
    /// the new image's size to enforce the item-size limit, and walking the item
    /// again here would be the same work twice.
    pub fn new(
        table_name: &str,
        old_size: Option<usize>,
        new_size: Option<usize>,
        gsi_units: HashMap<String, f64>,
        lsi_units: HashMap<String, f64>,
    ) -> Self {
        Self {
            table_name: table_name.to_string(),
            old_size,
            new_size,
            gsi_units,
            lsi_units,
            vector_bytes: HashMap::new(),
        }
    }

    /// Attach the per-index vector replication bytes the vector fan-out
    /// returned. Separate from [`WriteCapacity::new`] so the many callers that
    /// touch no vector index keep their argument list.
    pub fn with_vector_bytes(mut self, vector_bytes: HashMap<String, f64>) -> Self {
        self.vector_bytes = vector_bytes;
        self
    }

    /// Build from the images themselves, for callers that do not already hold
    /// their sizes.
    pub fn from_items(
        table_name: &str,
        old_item: Option<&Item>,
        new_item: Option<&Item>,
        gsi_units: HashMap<String, f64>,
        lsi_units: HashMap<String, f64>,
    ) -> Self {
        Self::new(
            table_name,
            old_item.map(item_size),
            new_item.map(item_size),
            gsi_units,
            lsi_units,
        )
    }

    /// A `ConditionCheck` writes nothing and touches no index, and DynamoDB
    /// still charges it against the image it reads. `item` is `None` when the
    /// target does not exist, which falls back to the one-unit minimum.
    ///
    /// The record carries no after-image, because the check leaves none behind.
    /// `table_write_capacity_units` charges a present-then-absent pair on the
    /// old image alone, which is the captured figure. The image is taken at its
    /// billed size, a vector attribute at 4 bytes per dimension, as other
    /// write charges are.
    pub fn condition_check(
        table_name: &str,
        item: Option<&Item>,
        vector_indexes: &[crate::types::VectorIndex],
    ) -> Self {
        Self::new(
            table_name,
            item.map(|i| crate::types::billed_item_size(i, vector_indexes)),
            None,
            HashMap::new(),
            HashMap::new(),
        )
    }
}

/// One table's share of a multi-action operation.
#[derive(Default)]
pub struct TableCapacity {
    pub table_units: f64,
    pub gsi_units: HashMap<String, f64>,
    pub lsi_units: HashMap<String, f64>,
    /// Vector replication bytes, summed like the unit maps but never taking
    /// the transactional factor and never reaching the table total.
    pub vector_bytes: HashMap<String, f64>,
}

/// Shapes one table's entry. The transactional surfaces mirror their units into
/// a write axis; the single-statement and batch ones report `CapacityUnits`
/// alone, so the two builders are not interchangeable.
pub(crate) type CapacityBuilder = fn(
    &str,
    f64,
    &HashMap<String, f64>,
    &HashMap<String, f64>,
    &Option<String>,
) -> Option<crate::types::ConsumedCapacity>;

/// Per-table units for a transactional read: 2 RCU per entry, rounded at 4KB
/// read granularity before the factor, summed by table.
///
/// Serves both an all-read transaction and a same-token replay, which are the
/// same arithmetic over the same `(table, image size)` pairs. The replay's
/// sizes come from the first call, because the request cannot supply them for
/// an action that carries only a key.
pub(crate) fn transactional_read_units(sizes: &[(String, usize)]) -> HashMap<String, f64> {
    let mut table_units: HashMap<String, f64> = HashMap::new();
    for (table, size) in sizes {
        *table_units.entry(table.clone()).or_default() +=
            crate::types::TRANSACTIONAL_CAPACITY_FACTOR * crate::types::read_capacity_units(*size);
    }
    table_units
}

/// Turn per-table totals into one `ConsumedCapacity` per table.
///
/// Sorted by table name. Aggregation is a `HashMap`, which would otherwise hand
/// back a different order on every call and leave a caller indexing into a
/// shuffled array.
///
/// Returns `None` when no capacity was asked for, which is distinct from an
/// empty vec: the response omits the field entirely rather than carrying an
/// empty list.
pub(crate) fn per_table_capacity(
    by_table: &HashMap<String, TableCapacity>,
    mode: &Option<String>,
    builder: CapacityBuilder,
) -> Option<Vec<crate::types::ConsumedCapacity>> {
    if !matches!(mode.as_deref(), Some("TOTAL") | Some("INDEXES")) {
        return None;
    }

    let mut tables: Vec<&String> = by_table.keys().collect();
    tables.sort();

    Some(
        tables
            .into_iter()
            .filter_map(|table| {
                let units = by_table.get(table)?;
                crate::types::attach_vector_index_capacity(
                    builder(
                        table,
                        units.table_units,
                        &units.gsi_units,
                        &units.lsi_units,
                        mode,
                    ),
                    &units.vector_bytes,
                    mode,
                )
            })
            .collect(),
    )
}

/// Fold per-action records into per-table totals.
///
/// `factor` is the transactional multiplier: 2 for `TransactWriteItems` and
/// `ExecuteTransaction`, 1 for the single-statement and batch surfaces. It
/// reaches the base table arm only. A capture against real DynamoDB pins index
/// arms at their single-write cost inside a transaction, so a GSI key move at
/// 1517B per side costs 4 whether or not it happens transactionally, while the
/// table arm on that same write doubles.
///
/// Each action's table units are rounded and multiplied before they are summed,
/// so an item straddling a KB boundary is not undercharged by aggregating bytes
/// first.
pub fn aggregate_by_table(
    records: &[WriteCapacity],
    factor: f64,
) -> HashMap<String, TableCapacity> {
    let mut by_table: HashMap<String, TableCapacity> = HashMap::new();

    for record in records {
        let entry = by_table.entry(record.table_name.clone()).or_default();
        entry.table_units += factor * table_write_capacity_units(record.old_size, record.new_size);
        for (name, units) in &record.gsi_units {
            *entry.gsi_units.entry(name.clone()).or_default() += units;
        }
        for (name, units) in &record.lsi_units {
            *entry.lsi_units.entry(name.clone()).or_default() += units;
        }
        for (name, bytes) in &record.vector_bytes {
            *entry.vector_bytes.entry(name.clone()).or_default() += bytes;
        }
    }

    by_table
}
