//! What becomes of the lines that were read: they are planned, for a dry run, or stored.

use lottery::{Field, Lottery, ParticipantId, Record};
use lottery_store::{Import, ImportMode, ImportPlan, Joined, Planned, Recorded};

use super::course;
use super::intake::Line;
use super::remark::Remark;
use super::report::Report;
use super::subscriptions::{NoSlot, Subscriptions};
use crate::error::ApiError;
use crate::explanation::Explanation;
use crate::refusal::LineRefusal;
use crate::state::AppState;

/// Takes lines.
pub(super) struct Taker<'a> {
    state: &'a AppState,
    lottery: &'a Lottery,
    target: Target<'a>,
    /// A line with another participant's address is refused, instead of being taken without the address.
    is_strict: bool,
    /// What comes of an e-mail address for which SNS has no room.
    no_slot: NoSlot,
    /// What is kept of one person who enters by themselves.
    joined: Option<Joined>,
    /// Lines that the store counts as refused.
    counted_refused: u64,
}

enum Target<'a> {
    /// Nothing is stored.
    Plan(Box<ImportPlan<'a>>),
    /// An import that begins when there is something to take.
    NotBegun(ImportMode),
    Import(Import),
    /// An import that adds people, beside which another has begun: its lines are taken like edits.
    Superseded(Import),
    /// One person, who is part of no list.
    Single,
}

/// What came of one line.
enum Outcome {
    New,
    Changed,
    Unchanged,
    Refused(&'static str, Explanation),
    /// An address belongs to another participant.
    AddressTaken(&'static str),
}

impl<'a> Taker<'a> {
    pub(super) fn plan(state: &'a AppState, lottery: &'a Lottery) -> Self {
        let plan = state.store.plan_import(&lottery.lottery_id);
        Self::new(state, lottery, Target::Plan(Box::new(plan)))
    }

    pub(super) fn begin_later(state: &'a AppState, lottery: &'a Lottery, mode: ImportMode) -> Self {
        Self::new(state, lottery, Target::NotBegun(mode))
    }

    pub(super) fn of_import(state: &'a AppState, lottery: &'a Lottery, import: Import) -> Self {
        Self::new(state, lottery, Target::Import(import))
    }

    /// Of one person who enters by themselves, and whose addresses must all be usable.
    pub(super) fn of_one(state: &'a AppState, lottery: &'a Lottery, no_slot: NoSlot, joined: Joined) -> Self {
        Self { is_strict: true, no_slot, joined: Some(joined), ..Self::new(state, lottery, Target::Single) }
    }

    fn new(state: &'a AppState, lottery: &'a Lottery, target: Target<'a>) -> Self {
        Self {
            state,
            lottery,
            target,
            is_strict: false,
            no_slot: NoSlot::Warn,
            joined: None,
            counted_refused: 0,
        }
    }

    pub(super) fn strict(self, is_strict: bool) -> Self {
        Self { is_strict, ..self }
    }

    /// The import, once it has begun.
    pub(super) fn import(&self) -> Option<&Import> {
        match &self.target {
            Target::Import(import) | Target::Superseded(import) => Some(import),
            Target::Plan(_) | Target::NotBegun(_) | Target::Single => None,
        }
    }

    pub(super) fn is_superseded(&self) -> bool {
        matches!(self.target, Target::Superseded(_))
    }

    /// Whether the list takes the other's position, or is planned to.
    pub(super) fn is_replacing(&self) -> bool {
        match &self.target {
            Target::Plan(_) => true,
            Target::NotBegun(mode) => *mode == ImportMode::Replace,
            Target::Import(import) => import.mode == ImportMode::Replace,
            Target::Superseded(_) | Target::Single => false,
        }
    }

    /// Takes one person for no list: they may be added beside an import, which can still be undone.
    pub(super) fn become_single(&mut self) {
        if matches!(self.target, Target::NotBegun(ImportMode::Merge)) {
            self.target = Target::Single;
        }
    }

    /// Begins the import, if it has not.
    pub(super) async fn begin(&mut self) -> Result<(), ApiError> {
        if let Target::NotBegun(mode) = self.target {
            self.target = Target::Import(course::begin(self.state, self.lottery, mode).await?);
        }
        Ok(())
    }

    /// Records that these people are on the list although their lines were refused.
    pub(super) async fn keep(&mut self, participant_ids: &[ParticipantId]) -> Result<(), ApiError> {
        self.begin().await?;
        match &mut self.target {
            Target::Plan(plan) => plan.keep(participant_ids),
            Target::Import(import) => {
                self.state.store.keep_on_list(import, participant_ids, self.state.clock.now()).await?;
            }
            Target::NotBegun(_) | Target::Superseded(_) | Target::Single => {}
        }
        Ok(())
    }

    /// How many a list that replaces would withdraw.
    pub(super) async fn missing(&self) -> Result<u64, ApiError> {
        match &self.target {
            Target::Plan(plan) => Ok(plan.missing().await?),
            _ => Ok(0),
        }
    }

    /// Records in the store how many lines of the request were refused, for later reports on the import.
    pub(super) async fn count_refused(&self, report: &Report) -> Result<(), ApiError> {
        if let Target::Import(import) = &self.target {
            let refused = i64::try_from(report.refused).unwrap_or(i64::MAX);
            let counted = i64::try_from(self.counted_refused).unwrap_or(i64::MAX);
            self.state.store.count_refused(import, refused - counted).await?;
        }
        Ok(())
    }

    /// Takes lines, in their order. `is_piece`: other lines of the list were in earlier requests.
    pub(super) async fn take(
        &mut self,
        lines: Vec<Line>,
        is_piece: bool,
        report: &mut Report,
    ) -> Result<(), ApiError> {
        self.begin().await?;
        let mut lines = if is_piece { self.without_twice(lines, report).await? } else { lines };
        let mut subscriptions = Subscriptions::new(self.state, self.lottery);
        if !matches!(self.target, Target::Plan(_)) {
            lines = subscriptions.reserve(lines, self.no_slot, report).await?;
        }
        // Once more for each address that belongs to another participant.
        while !lines.is_empty() {
            let taken = match self.put(&lines, &mut subscriptions).await {
                Ok(taken) => taken,
                Err(error) => {
                    subscriptions.give_back_all().await?;
                    return Err(error);
                }
            };
            let mut again = Vec::new();
            let mut unwanted = Vec::new();
            for (mut line, taken) in lines.into_iter().zip(taken) {
                match taken {
                    Outcome::New => report.accepted += 1,
                    Outcome::Changed => report.updated += 1,
                    Outcome::Unchanged => report.unchanged += 1,
                    Outcome::AddressTaken(field) if !self.is_strict => {
                        report.warn(Remark::of_field(line.line, field, LineRefusal::AddressTaken));
                        match field {
                            "phone" => line.record.phone = Field::Absent,
                            _ => line.record.email = Field::Absent,
                        }
                        if let Some(sample) = line.sample {
                            report.sample[sample].without(field);
                        }
                        again.push(line);
                    }
                    Outcome::AddressTaken(field) => {
                        unwanted.push(line.record.participant_id.clone());
                        refuse(line, field, LineRefusal::AddressTaken.into(), report);
                    }
                    Outcome::Refused(field, why) => {
                        unwanted.push(line.record.participant_id.clone());
                        refuse(line, field, why, report);
                    }
                }
            }
            // A refused record is on its list nevertheless, which a plan does not know by itself.
            if let Target::Plan(plan) = &mut self.target {
                plan.keep(&unwanted);
            }
            lines = again;
        }
        subscriptions.apply(report).await
    }

    async fn put(
        &mut self,
        lines: &[Line],
        subscriptions: &mut Subscriptions<'_>,
    ) -> Result<Vec<Outcome>, ApiError> {
        let records: Vec<Record> = lines.iter().map(|line| line.record.clone()).collect();
        let (store, now) = (&self.state.store, self.state.clock.now());
        if let Target::Plan(plan) = &mut self.target {
            return Ok(plan.add(&records).await?.into_iter().map(Outcome::from).collect());
        }
        let mut recorded = None;
        if let Target::Import(import) = &self.target {
            recorded = store.import_records(import, &records, now).await?;
            match &recorded {
                Some(recorded) => self.counted_refused += refused_of(recorded),
                // Two lists that add people do not get in each other's way.
                None if import.mode == ImportMode::Merge && is_followed(self.state, import).await? => {
                    self.target = Target::Superseded(import.clone());
                }
                None => return Err(course::over(import.number)),
            }
        }
        let recorded = match (recorded, &self.joined, records.as_slice()) {
            (Some(recorded), ..) => recorded,
            (None, Some(joined), [record]) => {
                vec![store.put_joined(&self.lottery.lottery_id, record, joined, now).await?]
            }
            (None, ..) => store.put_records(&self.lottery.lottery_id, &records, now).await?,
        };
        let taken = lines.iter().zip(recorded).map(|(line, recorded)| {
            let taken = Outcome::from(&recorded);
            subscriptions.note(line.line, &line.record, recorded);
            taken
        });
        Ok(taken.collect())
    }

    /// Refuses lines whose id is in an earlier piece of the list with other values.
    async fn without_twice(&self, lines: Vec<Line>, report: &mut Report) -> Result<Vec<Line>, ApiError> {
        let Target::Import(import) = &self.target else { return Ok(lines) };
        let records: Vec<Record> = lines.iter().map(|line| line.record.clone()).collect();
        let twice = self.state.store.twice_in_import(import, &records).await?;
        let mut left = Vec::with_capacity(lines.len());
        for (line, is_twice) in lines.into_iter().zip(twice) {
            if is_twice {
                refuse(line, "participant_id", LineRefusal::IdInEarlierPiece.into(), report);
            } else {
                left.push(line);
            }
        }
        Ok(left)
    }
}

fn refuse(line: Line, field: &str, why: Explanation, report: &mut Report) {
    let remark = Remark::of_field(line.line, field, why);
    if let Some(sample) = line.sample {
        report.sample[sample].refused = Some(remark.clone());
    }
    report.keep_record(line.line, line.record);
    report.refuse(remark);
}

/// Whether another import has begun since.
async fn is_followed(state: &AppState, import: &Import) -> Result<bool, ApiError> {
    let last = state.store.last_import(&import.lottery_id).await?;
    Ok(last.is_some_and(|last| last.number > import.number))
}

fn refused_of(recorded: &[Recorded]) -> u64 {
    let is_refused =
        |recorded: &&Recorded| matches!(recorded, Recorded::NameMissing | Recorded::AddressTaken { .. });
    recorded.iter().filter(is_refused).count() as u64
}

fn name_missing() -> Outcome {
    Outcome::Refused("name", lottery::Refusal::Missing.into())
}

impl From<&Recorded> for Outcome {
    fn from(recorded: &Recorded) -> Self {
        match recorded {
            Recorded::New { .. } => Self::New,
            Recorded::Changed { .. } => Self::Changed,
            Recorded::Unchanged { .. } => Self::Unchanged,
            Recorded::NameMissing => name_missing(),
            Recorded::AddressTaken { field } => Self::AddressTaken(field),
        }
    }
}

impl From<Planned> for Outcome {
    fn from(planned: Planned) -> Self {
        match planned {
            Planned::New => Self::New,
            Planned::Changed { .. } => Self::Changed,
            Planned::Unchanged => Self::Unchanged,
            Planned::NameMissing => name_missing(),
            Planned::AddressTaken { field } => Self::AddressTaken(field),
            // The reader finds ids that are repeated within a list.
            Planned::Twice => Self::Refused("participant_id", LineRefusal::IdInEarlierPiece.into()),
        }
    }
}
