//! What every handler uses: settings, clients, the clock.

use std::fmt;
use std::sync::Arc;

use draw_start::Starter;
use lottery::{DrawId, LotteryId};
use lottery_store::Store;
use platform::{Clock, S3Presigner, Scheduler};

use crate::answer::Answer;
use crate::auth::Verifier;
use crate::config::Config;
use crate::error::ApiError;
use crate::extract::unknown_draw;
use crate::messenger::EmailService;
use crate::organiser::Organiser;
use crate::participants::OptedOutPhones;
use crate::rate_limit::Limiter;
use crate::watch::{Cache, Executions, WatchedDraw};

/// Returns which backend is down, as a sentence.
pub(crate) type Health = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// Settings, clients and clock, cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Store,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) email: Option<EmailService>,
    pub(crate) executions: Arc<Executions>,
    pub(crate) cache: Arc<Cache>,
    pub(crate) verifier: Verifier,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) limiter: Arc<Limiter>,
    pub(crate) health: Health,
    pub(crate) organiser: Organiser,
    pub(crate) opted_out: Arc<OptedOutPhones>,
    /// The queue of events for webhooks, by its address.
    pub(crate) webhook_queue: Option<(aws_sdk_sqs::Client, String)>,
    pub(crate) lists: Option<Lists>,
    /// The page, with the policy of this service.
    pub(crate) page: Arc<Answer>,
    pub(crate) schedules: Option<Schedules>,
}

/// The schedules of repeating draws.
#[derive(Clone)]
pub(crate) struct Schedules {
    pub(crate) scheduler: Scheduler,
    pub(crate) target: ScheduleTarget,
}

/// What the schedules of repeating draws call, and as whom.
#[derive(Debug, Clone)]
pub struct ScheduleTarget {
    /// The group that the schedules are in.
    pub group: String,
    /// The ARN of the function that starts the draw which is due.
    pub function_arn: String,
    /// The ARN of the role with which the Scheduler calls it.
    pub role_arn: String,
    /// The ARN of the queue of what could not be delivered.
    pub dead_letters_arn: Option<String>,
}

/// The bucket of uploaded lists, with what signs its addresses.
#[derive(Clone)]
pub(crate) struct Lists {
    pub(crate) presigner: S3Presigner,
    pub(crate) bucket: String,
}

impl AppState {
    /// Everything that the service needs. The clients are made by the caller.
    #[must_use]
    pub fn new(
        config: Config,
        store: Store,
        sns: aws_sdk_sns::Client,
        sfn: aws_sdk_sfn::Client,
        verifier: Verifier,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            store,
            sns,
            email: None,
            executions: Arc::new(Executions::new(sfn, config.state_machine_arn.clone())),
            cache: Arc::new(Cache::new(config.read_freshness)),
            verifier,
            clock,
            limiter: Arc::new(Limiter::new(config.rate_limits)),
            config: Arc::new(config),
            health: Arc::new(|| Ok(())),
            organiser: Organiser::Absent,
            opted_out: Arc::default(),
            webhook_queue: None,
            lists: None,
            page: crate::page::without_uploads(),
            schedules: None,
        }
    }

    /// The same, which can sign replacements.
    #[must_use]
    pub fn with_organiser(self, organiser: Organiser) -> Self {
        Self { organiser, ..self }
    }

    /// The same, which can send e-mails through SES, from this sender.
    #[must_use]
    pub fn with_email(self, ses: aws_sdk_sesv2::Client, sender: impl Into<String>) -> Self {
        Self { email: Some(EmailService { ses, sender: sender.into() }), ..self }
    }

    /// The same, which can have events sent to webhooks again, through the queue of this address.
    #[must_use]
    pub fn with_webhook_queue(self, sqs: aws_sdk_sqs::Client, url: impl Into<String>) -> Self {
        Self { webhook_queue: Some((sqs, url.into())), ..self }
    }

    /// The same, which takes big lists by this bucket.
    #[must_use]
    pub fn with_lists(self, presigner: S3Presigner, bucket: impl Into<String>) -> Self {
        let bucket = bucket.into();
        let page = crate::page::with_uploads(&presigner.bucket_url(&bucket));
        Self { lists: Some(Lists { presigner, bucket }), page, ..self }
    }

    /// The same, which can have draws repeat by the schedules of EventBridge.
    #[must_use]
    pub fn with_schedules(self, scheduler: Scheduler, target: ScheduleTarget) -> Self {
        Self { schedules: Some(Schedules { scheduler, target }), ..self }
    }

    /// What starts draws now.
    pub(crate) fn starter(&self) -> Starter<'_> {
        Starter {
            store: &self.store,
            executions: &self.executions.client,
            state_machine_arn: &self.executions.state_machine_arn,
            channels: &self.config.channels,
            now: self.clock.now(),
        }
    }

    /// The same, whose health check calls `health` and responds 503 with its sentence. On AWS nothing is checked: the
    /// backends there have health checks of their own.
    #[must_use]
    pub fn with_health(self, health: Arc<dyn Fn() -> Result<(), String> + Send + Sync>) -> Self {
        Self { health, ..self }
    }

    /// A draw with its events: read now, or by a request shortly before.
    pub(crate) async fn watched(
        &self,
        lottery_id: &LotteryId,
        draw_id: &DrawId,
    ) -> Result<Arc<WatchedDraw>, ApiError> {
        let read = async {
            let draw = self.store.draw(lottery_id, draw_id).await?.ok_or_else(unknown_draw)?;
            Ok(WatchedDraw::new(draw, self.clock.now()))
        };
        self.cache.draw(lottery_id, draw_id, read).await
    }
}

impl fmt::Debug for AppState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppState").field("config", &self.config).finish_non_exhaustive()
    }
}
