//! Reading the store.

use std::ops::Range;

use rusqlite::{OptionalExtension, Row, params};

use super::record::{event_count, key_of};
use super::schema::SEQUENCE_BITS;
use super::writer::status_code;
use super::{Store, StoredRecord};
use crate::execution::{Caller, Identity, MapChild, Outcome, Qualified};
use crate::history::{Decoder, Encoder, Event, Malformed};
use crate::model::{EngineError, ExecutionStatus, MachineType};
use crate::state::MapItem;

/// A revision of a machine.
pub(crate) struct MachineRow {
    pub(crate) revision: i64,
    pub(crate) arn: String,
    pub(crate) is_current: bool,
    pub(crate) body: String,
}

/// An activity.
pub(crate) struct ActivityRow {
    pub(crate) arn: String,
    pub(crate) body: String,
}

/// Some events of a history.
pub(crate) struct HistorySlice {
    /// Each with its timestamp, in milliseconds since 1970.
    pub(crate) events: Vec<(i64, Event)>,
    /// How many there are in all.
    pub(crate) total: usize,
}

/// An execution without its records.
pub(crate) struct ExecutionRow {
    pub(crate) number: u64,
    pub(crate) revision: i64,
    pub(crate) stop: Option<i64>,
    pub(crate) redrives: u32,
    pub(crate) redrive_date: Option<i64>,
    pub(crate) identity: Result<Identity, Malformed>,
    pub(crate) outcome: Option<Outcome>,
}

pub(super) const COLUMNS: &str = "number, revision, stop, redrives, redrive_date, identity, outcome";

impl ExecutionRow {
    pub(super) fn read(row: &Row<'_>) -> Result<ExecutionRow, rusqlite::Error> {
        let number = row.get::<_, i64>(0)? as u64;
        let outcome: Option<Vec<u8>> = row.get(6)?;
        Ok(ExecutionRow {
            number,
            revision: row.get(1)?,
            stop: row.get(2)?,
            redrives: row.get(3)?,
            redrive_date: row.get(4)?,
            identity: decode_identity(number, row.get_ref(5)?.as_blob().unwrap_or_default()),
            outcome: outcome.and_then(|bytes| Outcome::decode(&mut Decoder::new(&bytes)).ok()),
        })
    }

    /// The status of the execution.
    pub(crate) fn status(&self) -> ExecutionStatus {
        self.outcome.as_ref().map_or(ExecutionStatus::Running, |outcome| outcome.status)
    }
}

impl Store {
    pub(crate) fn machines(&self) -> Result<Vec<MachineRow>, rusqlite::Error> {
        self.read()
            .prepare("SELECT revision, arn, is_current, body FROM machines ORDER BY revision")?
            .query_map([], |row| {
                Ok(MachineRow {
                    revision: row.get(0)?,
                    arn: row.get(1)?,
                    is_current: row.get(2)?,
                    body: row.get(3)?,
                })
            })?
            .collect()
    }

    /// The versions and aliases of each machine that has any: its ARN and the body.
    pub(crate) fn published(&self) -> Result<Vec<(String, String)>, rusqlite::Error> {
        self.read()
            .prepare("SELECT arn, body FROM published")?
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect()
    }

    pub(crate) fn activities(&self) -> Result<Vec<ActivityRow>, rusqlite::Error> {
        self.read()
            .prepare("SELECT arn, body FROM activities")?
            .query_map([], |row| Ok(ActivityRow { arn: row.get(0)?, body: row.get(1)? }))?
            .collect()
    }

    /// The largest number given to an execution.
    pub(crate) fn last_number(&self) -> Result<u64, rusqlite::Error> {
        let number: Option<i64> =
            self.read().query_row("SELECT max(number) FROM executions", [], |row| row.get(0))?;
        Ok(number.unwrap_or(0) as u64)
    }

    /// The executions that had not ended.
    pub(crate) fn open_executions(&self) -> Result<Vec<ExecutionRow>, rusqlite::Error> {
        self.read()
            .prepare(&format!("SELECT {COLUMNS} FROM executions WHERE stop IS NULL ORDER BY number"))?
            .query_map([], ExecutionRow::read)?
            .collect()
    }

    pub(crate) fn execution(&self, arn: &str) -> Result<Option<ExecutionRow>, rusqlite::Error> {
        let connection = self.read();
        let mut statement =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM executions WHERE key = ?"))?;
        let rows = statement.query_map([key_of(arn.as_bytes())], ExecutionRow::read)?;
        for row in rows {
            let row = row?;
            if row.identity.as_ref().is_ok_and(|identity| &*identity.arn == arn) {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    /// The executions of an owner (a machine or a map run), newest first, before this number, that pass.
    pub(crate) fn executions_of(
        &self,
        owner: i64,
        before: Option<u64>,
        status: Option<ExecutionStatus>,
        limit: usize,
    ) -> Result<Vec<ExecutionRow>, rusqlite::Error> {
        let connection = self.read();
        let before = before.map_or(i64::MAX, |number| number as i64);
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM executions INDEXED BY executions_by_owner
             WHERE owner = ?1 AND number < ?2 AND (?3 IS NULL OR status = ?3)
             ORDER BY number DESC LIMIT ?4"
        ))?;
        statement
            .query_map(params![owner, before, status.map(status_code), limit as i64], ExecutionRow::read)?
            .collect()
    }

    /// The executions of a map run, oldest first, after this number.
    pub(crate) fn children_of(
        &self,
        owner: i64,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ExecutionRow>, rusqlite::Error> {
        let connection = self.read();
        let mut statement = connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM executions INDEXED BY executions_by_owner
             WHERE owner = ?1 AND number > ?2 ORDER BY number LIMIT ?3"
        ))?;
        statement.query_map(params![owner, after as i64, limit as i64], ExecutionRow::read)?.collect()
    }

    /// The records of an execution in their order.
    pub(crate) fn records(&self, number: u64) -> Result<Vec<StoredRecord>, EngineError> {
        let connection = self.read();
        let first = (number << SEQUENCE_BITS) as i64;
        let last = first | ((1 << SEQUENCE_BITS) - 1);
        let mut statement = connection
            .prepare_cached("SELECT place, body FROM records WHERE place BETWEEN ? AND ? ORDER BY place")?;
        let mut rows = statement.query([first, last])?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            let sequence = (row.get::<_, i64>(0)? - first) as u64;
            let expected = records.len() as u64 + 1;
            match StoredRecord::decode(row.get_ref(1)?.as_blob().unwrap_or_default()) {
                Ok(record) if sequence == expected => records.push(record),
                _ => return Err(EngineError::Damaged { execution: number, record: expected }),
            }
        }
        Ok(records)
    }

    /// A range of the events of an execution, each with its timestamp, and how many there are in all. Records outside of the
    /// range are not decoded. `None`: the history has been deleted.
    pub(crate) fn events(
        &self,
        number: u64,
        range: impl FnOnce(usize) -> Range<usize>,
    ) -> Result<Option<HistorySlice>, EngineError> {
        let connection = self.read();
        let (first, last) = record_keys(number);
        let mut heads = connection.prepare_cached(
            "SELECT substr(body, 1, 32) FROM records WHERE place BETWEEN ? AND ? ORDER BY place",
        )?;
        let counts: Vec<usize> = heads
            .query_map([first, last], |row| Ok(event_count(row.get_ref(0)?.as_blob().unwrap_or_default())))?
            .collect::<Result<_, _>>()?;
        if counts.is_empty() {
            return Ok(None);
        }
        let total = counts.iter().sum();
        let wanted = range(total);
        let mut body = connection.prepare_cached("SELECT body FROM records WHERE place = ?")?;
        let (mut events, mut start) = (Vec::with_capacity(wanted.len()), 0);
        for (record, count) in (1..).zip(counts) {
            let (from, to) = (wanted.start.max(start), wanted.end.min(start + count));
            if from < to {
                let bytes: Vec<u8> = body.query_row([first | record], |row| row.get(0))?;
                let Ok(record) = StoredRecord::decode(&bytes) else {
                    return Err(EngineError::Damaged { execution: number, record: record as u64 });
                };
                let now = record.now;
                events.extend(
                    record.events.into_iter().skip(from - start).take(to - from).map(|event| (now, event)),
                );
            }
            start += count;
        }
        Ok(Some(HistorySlice { events, total }))
    }

    /// The execution that a map run belongs to.
    pub(crate) fn map_run_execution(&self, arn: &str) -> Result<Option<ExecutionRow>, rusqlite::Error> {
        self.read()
            .query_row(
                &format!("SELECT {COLUMNS} FROM executions WHERE number = (SELECT execution FROM map_runs WHERE arn = ?)"),
                [arn],
                ExecutionRow::read,
            )
            .optional()
    }
}

/// The first and the last key that a record of an execution can have.
pub(super) fn record_keys(number: u64) -> (i64, i64) {
    let first = (number << SEQUENCE_BITS) as i64;
    (first, first | ((1 << SEQUENCE_BITS) - 1))
}

/// Whether a child of a Distributed Map has an item, and whether that is a member of an object.
const NO_ITEM: u8 = 0;
const ITEM: u8 = 1;
const ITEM_WITH_KEY: u8 = 2;

pub(super) fn encode_identity(identity: &Identity) -> Vec<u8> {
    let mut encoder = Encoder::default();
    for text in [
        &identity.arn,
        &identity.name,
        &identity.state_machine_arn,
        &identity.state_machine_name,
        &identity.role_arn,
        &identity.region,
    ] {
        encoder.text(text);
    }
    encoder.byte(match identity.execution_type {
        MachineType::Standard => 0,
        MachineType::Express => 1,
    });
    encoder.json(&identity.input);
    encoder.signed(identity.start);
    encoder.number((identity.seed >> 64) as u64);
    encoder.number(identity.seed as u64);
    encoder.option(identity.trace_header.as_ref(), |encoder, text| encoder.text(text));
    encoder.option(identity.map_child.as_ref(), |encoder, child| {
        encoder.number(child.parent);
        encoder.number(child.run);
        encoder.number(child.index);
        encoder.text(&child.map_run_arn);
        encoder.text(&child.state);
        encoder.number(child.items);
        match &child.item {
            None => encoder.byte(NO_ITEM),
            Some(MapItem { key: None, value }) => {
                encoder.byte(ITEM);
                encoder.json(value);
            }
            Some(MapItem { key: Some(key), value }) => {
                encoder.byte(ITEM_WITH_KEY);
                encoder.text(key);
                encoder.json(value);
            }
        }
    });
    encoder.option(identity.caller.as_ref(), |encoder, caller| {
        encoder.number(caller.execution);
        encoder.number(caller.task);
    });
    let Identity { qualified, test_case, wait_scale, .. } = identity;
    // Most executions have none of these; nothing follows then, as in the rows of earlier engines.
    let source = identity.map_child.as_ref().and_then(|child| child.source.as_ref());
    if qualified.is_some() || test_case.is_some() || wait_scale.is_some() || source.is_some() {
        encoder.option(qualified.as_ref(), |encoder, qualified| {
            encoder.text(&qualified.version_arn);
            encoder.option(qualified.alias_arn.as_ref(), |encoder, text| encoder.text(text));
        });
        encoder.option(test_case.as_ref(), |encoder, text| encoder.text(text));
        encoder.option(wait_scale.as_ref(), |encoder, scale| encoder.number(scale.to_bits()));
        if let Some(source) = source {
            encoder.text(source);
        }
    }
    encoder.into_bytes()
}

fn decode_identity(number: u64, bytes: &[u8]) -> Result<Identity, Malformed> {
    let mut decoder = Decoder::new(bytes);
    let decoder = &mut decoder;
    let mut identity = Identity {
        number,
        arn: decoder.text()?.into(),
        name: decoder.text()?.into(),
        state_machine_arn: decoder.text()?.into(),
        state_machine_name: decoder.text()?.into(),
        role_arn: decoder.text()?.into(),
        region: decoder.text()?.into(),
        execution_type: match decoder.byte()? {
            0 => MachineType::Standard,
            1 => MachineType::Express,
            _ => return Err(Malformed),
        },
        input: decoder.json()?,
        start: decoder.signed()?,
        seed: u128::from(decoder.number()?) << 64 | u128::from(decoder.number()?),
        trace_header: decoder.option(|decoder| Ok(decoder.text()?.into()))?,
        map_child: decoder.option(|decoder| {
            Ok(MapChild {
                parent: decoder.number()?,
                run: decoder.number()?,
                index: decoder.number()?,
                map_run_arn: decoder.text()?.into(),
                state: decoder.text()?.into(),
                items: decoder.number()?,
                item: match decoder.byte()? {
                    NO_ITEM => None,
                    ITEM => Some(MapItem::from(decoder.json()?)),
                    ITEM_WITH_KEY => {
                        Some(MapItem { key: Some(decoder.text()?.into()), value: decoder.json()? })
                    }
                    _ => return Err(Malformed),
                },
                source: None,
            })
        })?,
        caller: decoder
            .option(|decoder| Ok(Caller { execution: decoder.number()?, task: decoder.number()? }))?,
        qualified: None,
        test_case: None,
        wait_scale: None,
    };
    if !decoder.is_at_end() {
        identity.qualified = decoder.option(|decoder| {
            Ok(Qualified {
                version_arn: decoder.text()?.into(),
                alias_arn: decoder.option(|decoder| Ok(decoder.text()?.into()))?,
            })
        })?;
        identity.test_case = decoder.option(|decoder| Ok(decoder.text()?.into()))?;
        identity.wait_scale = decoder.option(|decoder| decoder.number().map(f64::from_bits))?;
        if let (Some(child), false) = (&mut identity.map_child, decoder.is_at_end()) {
            child.source = Some(decoder.text()?.into());
        }
    }
    Ok(identity)
}
