//! What has still to be delivered: written down with the event, and struck off once its target has taken it.

use std::collections::HashSet;

use serde_json::Value;

use super::EventsError;
use super::put::scheduled_event;
use super::request::DEFAULT_BUS;
use super::rules::next_of_rule;
use super::store::{Store, document};

/// A payload for a target.
pub(super) struct NewDelivery {
    /// The ARN of the rule or the schedule.
    pub(super) origin: String,
    /// The target's document.
    pub(super) target: String,
    pub(super) payload: String,
    /// The event, where the payload is another text.
    pub(super) event: Option<String>,
    pub(super) event_id: String,
    pub(super) hops: u32,
}

/// A delivery that is due.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) number: i64,
    pub(super) origin: String,
    pub(super) target: Value,
    pub(super) payload: String,
    pub(super) event: Option<String>,
    pub(super) event_id: String,
    pub(super) hops: u32,
    /// Milliseconds since 1970.
    pub(super) created: i64,
    /// How many attempts have failed.
    pub(super) attempts: u32,
}

/// What becomes of a delivery after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is over.
    Done,
    /// It is tried again at this time, in milliseconds since 1970.
    Again(i64),
}

/// What is to be done now.
pub(super) struct Due {
    pub(super) deliveries: Vec<Delivery>,
    /// When there is something to do next, in milliseconds since 1970.
    pub(super) next: Option<i64>,
}

impl Store {
    /// Writes a delivery down.
    pub(super) fn deliver_later(&self, new: &NewDelivery, now: i64) -> Result<(), EventsError> {
        self.database
            .prepare_cached(
                "INSERT INTO deliveries (origin, target, payload, event, event_id, hops, created, due)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
            )?
            .execute((&new.origin, &new.target, &new.payload, &new.event, &new.event_id, new.hops, now))?;
        Ok(())
    }

    /// Settles deliveries, fires the schedules whose time has come, and gives up to `room` deliveries that are due and
    /// not under way.
    pub(super) fn due(
        &mut self,
        outcomes: &[(i64, Outcome)],
        under_way: &HashSet<i64>,
        room: usize,
    ) -> Result<Due, EventsError> {
        let now = self.now();
        if !outcomes.is_empty() {
            self.in_transaction(|store| store.record_outcomes(outcomes))?;
        }
        if self.next_schedule()?.is_some_and(|next| next <= now) {
            self.in_transaction(|store| {
                store.fire_rules(now)?;
                store.fire_schedules(now)
            })?;
        }
        let mut statement = self.database.prepare_cached(
            "SELECT number, origin, target, payload, event, event_id, hops, created, attempts FROM deliveries
             WHERE due <= ? ORDER BY due, number LIMIT ?",
        )?;
        let rows = statement.query_map((now, room + under_way.len()), |row| {
            Ok(Delivery {
                number: row.get(0)?,
                origin: row.get(1)?,
                target: document(row, 2)?,
                payload: row.get(3)?,
                event: row.get(4)?,
                event_id: row.get(5)?,
                hops: row.get(6)?,
                created: row.get(7)?,
                attempts: row.get(8)?,
            })
        })?;
        let mut deliveries: Vec<Delivery> = rows.collect::<Result<_, _>>()?;
        deliveries.retain(|delivery| !under_way.contains(&delivery.number));
        deliveries.truncate(room);
        let later: Option<i64> = self
            .database
            .prepare_cached("SELECT min(due) FROM deliveries WHERE due > ?")?
            .query_row([now], |row| row.get(0))?;
        let next = [later, self.next_schedule()?].into_iter().flatten().min();
        Ok(Due { deliveries, next })
    }

    fn record_outcomes(&self, outcomes: &[(i64, Outcome)]) -> Result<(), EventsError> {
        for (number, outcome) in outcomes {
            match outcome {
                Outcome::Done => self
                    .database
                    .prepare_cached("DELETE FROM deliveries WHERE number = ?")?
                    .execute([number])?,
                Outcome::Again(due) => self
                    .database
                    .prepare_cached(
                        "UPDATE deliveries SET attempts = attempts + 1, due = ? WHERE number = ?",
                    )?
                    .execute([due, number])?,
            };
        }
        Ok(())
    }

    /// When a schedule is due next.
    fn next_schedule(&self) -> Result<Option<i64>, EventsError> {
        let mut statement = self.database.prepare_cached(
            "SELECT min(next) FROM (SELECT min(next) AS next FROM rules UNION ALL SELECT min(next) FROM schedules)",
        )?;
        Ok(statement.query_row([], |row| row.get(0))?)
    }

    /// Writes down the deliveries of rules whose time has come. Times that were missed come as one.
    fn fire_rules(&mut self, now: i64) -> Result<(), EventsError> {
        let mut statement = self
            .database
            .prepare_cached("SELECT name, schedule, created, next FROM rules WHERE next <= ? AND bus = ?")?;
        let rows = statement
            .query_map((now, DEFAULT_BUS), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
        let due: Vec<(String, String, i64, i64)> = rows.collect::<Result<_, _>>()?;
        drop(statement);
        for (rule, schedule, created, time) in due {
            let event = scheduled_event(&rule, time);
            for target in self.targets_of(DEFAULT_BUS, &rule)? {
                let delivery = super::store::delivery_of(DEFAULT_BUS, &rule, &target, &event, now);
                self.deliver_later(&delivery, now)?;
            }
            let next = next_of_rule(&schedule, now, created)?;
            self.database
                .prepare_cached("UPDATE rules SET next = ? WHERE bus = ? AND name = ?")?
                .execute((next, DEFAULT_BUS, &rule))?;
        }
        Ok(())
    }
}
