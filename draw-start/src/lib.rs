//! How a draw starts. The API does so when an organiser asks for a draw, and the function behind a schedule when a repeating
//! draw is due: with the same checks, and one draw for one id however often it is started.
//!
//! First the draw is written, then its execution is started under a name that follows from the draw's id: after a crash between
//! the two, the same call finds the draw and starts it, or the reconciler ends it.

mod execution;

use std::time::Duration;

use aws_sdk_sfn::Client;
use jiff::Timestamp;
use lottery::feasibility::UnknownGroup;
use lottery::{
    Channel, Draw, DrawId, DrawRequest, DrawRequestError, DrawStatus, Group, Lottery, LotteryId, Reason,
    ReleaseMode,
};
use lottery_store::{CreateDraw, Store, StoreError};
use serde_json::Value;

pub use execution::{ExecutionError, start_execution};

/// How long a list is counted before a draw starts: one from before there were counts is counted one by one, which nobody
/// waits for.
const COUNT_TIMEOUT: Duration = Duration::from_secs(3);

/// What starts draws.
#[derive(Debug, Clone, Copy)]
pub struct Starter<'a> {
    /// The lottery's tables.
    pub store: &'a Store,
    /// Starts executions.
    pub executions: &'a Client,
    /// The state machine of a draw.
    pub state_machine_arn: &'a str,
    /// The channels that there are where the service runs.
    pub channels: &'a [Channel],
    /// The current time.
    pub now: Timestamp,
}

/// A draw that was started, now or before.
#[derive(Debug)]
pub struct Started {
    /// The draw.
    pub draw: Draw,
    /// The groups that its quotas name and nobody is in yet.
    pub unknown: Vec<UnknownGroup>,
}

/// Why a draw does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The lottery is closed.
    #[error("this lottery is closed: nobody is added and no draw begins; its organiser may open it again")]
    Closed,
    /// The request cannot be meant.
    #[error(transparent)]
    Request(#[from] DrawRequestError),
    /// A channel was asked for that there is not.
    #[error("{missing} is not available where this service runs; there is: {there}")]
    ChannelUnavailable {
        /// The channel.
        missing: Channel,
        /// Those that there are.
        there: String,
    },
    /// Quotas name groups that nobody is in.
    #[error("{}", sentences(.unknown))]
    UnknownGroup {
        /// What was asked for.
        request: Box<DrawRequest>,
        /// The groups.
        unknown: Vec<UnknownGroup>,
    },
    /// The draw of this id asks for something else.
    #[error("this id has started another draw of this lottery")]
    AnotherDraw,
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The execution did not start; perhaps it did, if it is unknown.
    #[error("the execution did not start")]
    Execution(#[from] ExecutionError),
}

impl StartError {
    /// The error as the organiser reads it, if it is one that passes only when somebody changes something.
    pub fn reason(&self) -> Option<Reason> {
        let name = match self {
            Self::Closed => "LotteryClosed",
            Self::Request(error) => error.name(),
            Self::ChannelUnavailable { .. } => "ChannelUnavailable",
            Self::UnknownGroup { .. } => "UnknownGroup",
            Self::AnotherDraw | Self::Store(_) | Self::Execution(_) => return None,
        };
        let groups: Vec<Group> = match self {
            Self::UnknownGroup { unknown, .. } => unknown.iter().map(|one| one.group.clone()).collect(),
            _ => Vec::new(),
        };
        Some(Reason { name: name.to_owned(), sentence: self.to_string(), groups })
    }
}

fn sentences(unknown: &[UnknownGroup]) -> String {
    unknown.iter().map(|unknown| unknown.refusal().to_string()).collect::<Vec<_>>().join("; ")
}

impl Starter<'_> {
    /// Starts the draw of this id, unless it is started already. A second call with the same request finds the draw of the
    /// first.
    pub async fn start(
        &self,
        lottery: &Lottery,
        draw_id: DrawId,
        request: &Value,
    ) -> Result<Started, StartError> {
        if lottery.closed_at.is_some() {
            return Err(StartError::Closed);
        }
        let request = self.parse(lottery, request).await?;
        let unknown = self.check_groups(&lottery.lottery_id, Some(&draw_id), &request).await?;
        let asked = request.begin(lottery.lottery_id.clone(), draw_id, self.now);
        if asked.asks_to_claim().is_some() {
            self.store.prepare_claims(&asked.lottery_id).await?;
        }
        let draw = match self.store.create_draw(&asked).await? {
            CreateDraw::Created => asked,
            CreateDraw::Exists(found) if asks_for_the_same(&asked, &found) => *found,
            CreateDraw::Exists(_) => return Err(StartError::AnotherDraw),
        };
        Ok(Started { draw: self.carry(draw).await?, unknown })
    }

    /// Starts the execution of a draw that is written, unless it has begun.
    pub async fn carry(&self, mut draw: Draw) -> Result<Draw, StartError> {
        if draw.status != DrawStatus::Waiting {
            return Ok(draw);
        }
        let started = start_execution(self.executions, self.state_machine_arn, &draw).await;
        let execution_arn = match started {
            Ok(execution_arn) => execution_arn,
            Err(error) => {
                if let ExecutionError::Refused(_) = error {
                    self.give_up(&draw).await?;
                }
                return Err(error.into());
            }
        };
        if draw.execution_arn.is_none() {
            self.store.set_execution(&draw.lottery_id, &draw.draw_id, &execution_arn).await?;
            draw.execution_arn = Some(execution_arn);
        }
        tracing::info!(lottery_id = %draw.lottery_id, draw_id = %draw.draw_id, "started a draw");
        Ok(draw)
    }

    /// Whether a draw could be asked for so, as far as that shows before it starts.
    pub async fn check(&self, lottery: &Lottery, request: &Value) -> Result<DrawRequest, StartError> {
        let request = self.parse(lottery, request).await?;
        self.check_groups(&lottery.lottery_id, None, &request).await?;
        Ok(request)
    }

    async fn parse(&self, lottery: &Lottery, request: &Value) -> Result<DrawRequest, StartError> {
        let channels_asked_for = request.get("channels").is_some_and(|channels| !channels.is_null());
        let mut request = DrawRequest::parse(request, lottery.locale, self.now)?;
        if request.rehearsal {
            request.channels = Vec::new();
        } else if !channels_asked_for {
            request.channels = self.default_channels(lottery, &request).await?;
        } else if let Some(missing) = request.channels.iter().find(|it| !self.channels.contains(it)) {
            let there = self.channels.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            return Err(StartError::ChannelUnavailable { missing: *missing, there });
        }
        Ok(request)
    }

    /// All channels that there are, unless the list has no address at all: then there is nobody to tell, which is no failure.
    /// The list of a draw that closes later may still come.
    async fn default_channels(
        &self,
        lottery: &Lottery,
        request: &DrawRequest,
    ) -> Result<Vec<Channel>, StoreError> {
        let configured = self.channels.to_vec();
        if request.closes_at.is_some() {
            return Ok(configured);
        }
        let counting = self.store.participant_counts(&lottery.lottery_id);
        let Ok(counts) = tokio::time::timeout(COUNT_TIMEOUT, counting).await else { return Ok(configured) };
        let counts = counts?;
        let has_nobody_to_tell = counts.total > 0 && counts.unreachable == counts.total;
        Ok(if has_nobody_to_tell { Vec::new() } else { configured })
    }

    /// Refuses quotas for groups without members on the list: a quota for a mistyped group would have no effect. The list of a
    /// draw that closes later may still be imported: for such a draw the unknown groups are returned.
    ///
    /// Sealing checks the entries again, so that what cannot be determined here in time is let pass.
    pub async fn check_groups(
        &self,
        lottery_id: &LotteryId,
        draw_id: Option<&DrawId>,
        request: &DrawRequest,
    ) -> Result<Vec<UnknownGroup>, StartError> {
        if request.prizes.named_groups().is_empty() {
            return Ok(Vec::new());
        }
        let counting = tokio::time::timeout(COUNT_TIMEOUT, self.store.participant_counts(lottery_id));
        let Ok(counted) = counting.await else { return Ok(Vec::new()) };
        let counts = counted?;
        if counts.in_other_groups > 0 {
            return Ok(Vec::new());
        }
        let known: Vec<_> = counts.groups.into_keys().map(Group::respelled).collect();
        let unknown = UnknownGroup::among(&request.prizes, known.iter());
        if unknown.is_empty() || request.closes_at.is_some() {
            return Ok(unknown);
        }
        // The same request, sent again after the list has changed, is answered with the draw that it started.
        if let Some(draw_id) = draw_id
            && self.store.draw(lottery_id, draw_id).await?.is_some()
        {
            return Ok(Vec::new());
        }
        Err(StartError::UnknownGroup { request: Box::new(request.clone()), unknown })
    }

    /// A draw that no execution will ever carry does not stay WAITING.
    async fn give_up(&self, draw: &Draw) -> Result<(), StoreError> {
        let reason = Reason {
            name: "ExecutionNotStarted".to_owned(),
            sentence: "The draw could not be started; nobody was drawn.".to_owned(),
            groups: Vec::new(),
        };
        self.store.cancel_draw(&draw.lottery_id, &draw.draw_id, &reason, self.now).await?;
        Ok(())
    }
}

/// Whether a request would start the draw that is there already.
fn asks_for_the_same(asked: &Draw, found: &Draw) -> bool {
    asked.prizes == found.prizes
        && asked.alternates == found.alternates
        && asked.exclude_past_winners == found.exclude_past_winners
        && asked.present_only == found.present_only
        && asked.rehearsal == found.rehearsal
        && asked.announce_commitment == found.announce_commitment
        && asked.notify_others == found.notify_others
        && asked.closes_at == found.closes_at
        && asked.draw_at == found.draw_at
        && asked.channels == found.channels
        && hold_asked_for(asked) == hold_asked_for(found)
        && claims_asked_for(asked) == claims_asked_for(found)
}

fn hold_asked_for(draw: &Draw) -> Option<(ReleaseMode, Option<Timestamp>)> {
    draw.hold.as_ref().map(|hold| (hold.mode, hold.release_by))
}

fn claims_asked_for(draw: &Draw) -> Option<u32> {
    draw.claims.as_ref().map(|claims| claims.within_seconds)
}
