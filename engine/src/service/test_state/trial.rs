//! Running the state once.

use super::super::Service;
use super::context::{self, Surroundings};
use super::inspection::{Fields, Inspection};
use super::mock::Mocked;
use super::request::{Level, TestRequest};
use super::subject::Subject;
use super::work;
use crate::data::{Json, Random, Scope, Variables};
use crate::definition::Cost;
use crate::engine::{Lane, Secrets};
use crate::execution::{Item, ItemOrigin, child_inputs};
use crate::integration::lambda_envelope;
use crate::protocol::Exception;
use crate::state::Transition;
use crate::state::{Finished, Map, MapItem, MapMode, StateError, Step};

/// `status`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Succeeded,
    Failed,
    Retriable,
    CaughtError,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Status::Succeeded => "SUCCEEDED",
            Status::Failed => "FAILED",
            Status::Retriable => "RETRIABLE",
            Status::CaughtError => "CAUGHT_ERROR",
        }
    }
}

/// What came out.
pub(super) struct Verdict {
    pub(super) status: Status,
    pub(super) output: Option<Json>,
    pub(super) error: Option<String>,
    pub(super) cause: Option<String>,
    pub(super) next_state: Option<String>,
}

/// A state about to be run.
pub(super) struct Trial {
    test: TestRequest,
    subject: Subject,
    context: Json,
    variables: Variables,
    random: Random,
    now: jiff::Timestamp,
    /// The checked result of the mock.
    mocked_result: Option<Json>,
}

/// What entering the state led to.
enum Way {
    Done(Finished, Transition),
    /// Its work is to be done on these arguments.
    Work(Json),
}

/// The same, after its work.
enum Worked {
    Done(Finished, Transition),
    /// What the work answered.
    Result(Json),
}

impl Trial {
    /// Takes the state out of its definition and refuses what cannot be tested.
    fn prepare(service: &Service, test: TestRequest) -> Result<Trial, Exception> {
        let subject = Subject::find(&test)?;
        let mocked_result = work::check(&test, &subject)?;
        if test.context.as_ref().is_some_and(|context| context.get("Task").is_some()) && !subject.has_token()
        {
            return Err(Exception::validation(
                "Invalid Context object provided: 'Task' field is only supported for states with a \
                 '.sync' or '.waitForTaskToken' resource",
            ));
        }
        let config = service.engine.config();
        let now = config.clock.now();
        let retries = test.configuration.retrier_retry_count.unwrap_or(0);
        let context = test.context.clone().unwrap_or_else(|| {
            context::made_up(&Surroundings {
                region: &config.region,
                account: &config.account,
                role_arn: test.role_arn.as_deref(),
                input: &test.input,
                now,
                retry_count: subject.state().handlers().map(|_| retries),
            })
        });
        Ok(Trial {
            variables: Variables::from(test.variables.clone()),
            random: Random::new(uuid::Uuid::new_v4().as_u128()),
            test,
            subject,
            context,
            now,
            mocked_result,
        })
    }

    fn cx(&self) -> Scope<'_> {
        Scope::new(&self.test.input, &self.context, &self.variables, &self.random, self.now)
    }

    /// Runs a state, on a worker thread.
    pub(super) async fn run(
        service: &Service,
        test: TestRequest,
    ) -> Result<(Verdict, Inspection), Exception> {
        let lane = match Json::parse(&test.definition).map(|definition| Cost::of(&definition)) {
            Ok(Cost::Unknown) => Lane::Slow,
            Ok(Cost::Small) | Err(_) => Lane::Costly,
        };
        let host = service.clone();
        let begun = service.engine.apart(lane, move || {
            let trial = Trial::prepare(&host, test)?;
            let mut inspection = Inspection::default();
            inspection.record("input", &trial.test.input);
            let way = trial.enter(&mut inspection);
            Ok((trial, inspection, way))
        });
        let (mut trial, mut inspection, way) =
            begun.await.unwrap_or_else(|panic| Err(Exception::internal(&panic)))?;
        let worked = match way {
            Err(error) => Err(error),
            Ok(Way::Done(finished, transition)) => Ok(Worked::Done(finished, transition)),
            Ok(Way::Work(arguments)) => {
                trial.work(service, arguments, &mut inspection).await.map(Worked::Result)
            }
        };
        let concluded = service.engine.apart(lane, move || trial.conclude(worked, inspection));
        concluded.await.map_err(|panic| Exception::internal(&panic))
    }

    fn conclude(
        mut self,
        worked: Result<Worked, StateError>,
        mut inspection: Inspection,
    ) -> (Verdict, Inspection) {
        let outcome = match worked {
            Err(error) => Err(error),
            Ok(Worked::Done(finished, transition)) => Ok((finished, transition)),
            Ok(Worked::Result(result)) => self.reply(result, &mut inspection),
        };
        let verdict = match outcome {
            Ok((finished, transition)) => {
                self.assign(finished.assigned.as_ref());
                Verdict {
                    status: Status::Succeeded,
                    output: Some(finished.output),
                    error: None,
                    cause: None,
                    next_state: self.subject.target(transition),
                }
            }
            Err(error) => self.failed(error, &mut inspection),
        };
        if !self.variables.as_object().is_empty() {
            inspection.record("variables", &Json::from(self.variables.as_object().clone()));
        }
        (verdict, inspection)
    }

    fn assign(&mut self, assigned: Option<&Json>) {
        let Some(assigned) = assigned.and_then(Json::as_object) else { return };
        for (name, value) in assigned.iter() {
            self.variables.assign(std::sync::Arc::clone(name), value.clone());
        }
    }

    fn enter(&self, inspection: &mut Inspection) -> Result<Way, StateError> {
        let cx = self.cx();
        let kind = self.subject.kind();
        let fields = Fields { state: &self.subject.definition, scope: cx };
        let selected = fields.after_input_path();
        let shows_input = !self.subject.is_jsonata
            && match kind {
                "Pass" => self.subject.definition.get("Result").is_none(),
                "Parallel" => false,
                _ => true,
            };
        if let (Some(selected), true) = (&selected, shows_input) {
            inspection.record("afterInputPath", selected);
            if matches!(kind, "Pass" | "Task")
                && let Some(parameters) = fields.after_template("Parameters", selected)
            {
                inspection.record("afterParameters", &parameters);
            }
        }
        if kind == "Map" {
            return self.enter_map(selected.as_ref(), &fields, inspection);
        }
        match self.subject.state().enter(&cx)? {
            Step::Exit(finished, transition) => {
                if kind == "Pass" && !self.subject.is_jsonata {
                    self.show_passed(&fields, selected.as_ref(), inspection);
                }
                Ok(Way::Done(finished, transition))
            }
            // The timestamp is known; TestState shows nothing else, and does not wait for it.
            Step::Sleep { .. } => {
                let (finished, transition) = self.subject.state().reply(&cx, Json::Null)?;
                Ok(Way::Done(finished, transition))
            }
            Step::ScheduleTask(request) => {
                if self.subject.is_jsonata {
                    inspection.record("afterArguments", &request.parameters);
                }
                Ok(Way::Work(request.parameters))
            }
            Step::StartBranches { input } => Ok(Way::Work(input)),
            Step::StartIterations(_) => Err(StateError::runtime("only a Map state has items")),
        }
    }

    fn show_passed(&self, fields: &Fields<'_>, selected: Option<&Json>, inspection: &mut Inspection) {
        let constant = self.subject.definition.get("Result");
        let made = match (constant, selected) {
            (Some(result), _) => {
                inspection.record("result", result);
                Some(result.clone())
            }
            (None, Some(selected)) => fields.after_template("Parameters", selected),
            (None, None) => None,
        };
        if let Some(made) = made {
            show_result(fields, &made, inspection);
        }
    }

    fn enter_map(
        &self,
        selected: Option<&Json>,
        fields: &Fields<'_>,
        inspection: &mut Inspection,
    ) -> Result<Way, StateError> {
        let cx = self.cx();
        let map =
            self.subject.state().as_map().ok_or_else(|| StateError::runtime("only a Map state has items"))?;
        let reads = self.subject.definition.get("ItemReader").is_some();
        if let (Some(selected), false, false) = (selected, self.subject.is_jsonata, reads)
            && let Some(items) = fields.after_items_path(selected)
            && let Some(items) = items.as_array()
        {
            inspection.record_items(items);
        }
        let selected = selected.unwrap_or(&self.test.input);
        let (items, max_concurrency) = if reads {
            let most = self.subject.definition.get("MaxConcurrency").and_then(Json::as_u64).unwrap_or(0);
            (self.items_read().into_iter().map(MapItem::from).collect(), most)
        } else {
            match map.enter(&cx)? {
                Step::StartIterations(spread) => (spread.items.to_vec(), spread.max_concurrency),
                _ => (Vec::new(), 0),
            }
        };
        inspection.max_concurrency = Some(max_concurrency);
        let items = self.select_items(map, selected, items, inspection)?;
        if let MapMode::Distributed(distributed) = &map.mode {
            if let Some(batching) = distributed.batching(&cx, selected)? {
                inspection.record("afterItemBatcher", &Json::array(child_inputs(items, batching)));
            }
            let tolerance = distributed.tolerance(&cx, selected)?;
            inspection.tolerated_failure_count = tolerance.count;
            inspection.tolerated_failure_percentage = tolerance.percentage;
            self.too_many_failures(tolerance, inspection)?;
        }
        Ok(Way::Work(Json::Null))
    }

    /// `mapItemReaderData`: what an ItemReader would have read.
    fn items_read(&self) -> Vec<Json> {
        let data = self.test.configuration.map_item_reader_data.as_deref();
        let items = data.and_then(|text| Json::parse(text).ok());
        items.as_ref().and_then(Json::as_array).map_or(Vec::new(), <[Json]>::to_vec)
    }

    /// `ItemSelector`, for each item with its context object.
    fn select_items(
        &self,
        map: &Map,
        selected: &Json,
        items: Vec<MapItem>,
        inspection: &mut Inspection,
    ) -> Result<Vec<Json>, StateError> {
        if self.subject.definition.get("ItemSelector").is_none() {
            return Ok(items.iter().map(MapItem::input).collect());
        }
        let mut inputs = Vec::with_capacity(items.len());
        let origin = match map.mode {
            MapMode::Inline => ItemOrigin::Inline,
            MapMode::Distributed(_) => ItemOrigin::StateData,
        };
        for (index, item) in (0..).zip(items) {
            let item = Item { index, item, origin: origin.clone() };
            let mut context = self.context.clone();
            if let Some(object) = context.as_object_mut() {
                object.insert("Map", item.context());
            }
            let cx = Scope { context: &context, ..self.cx() };
            inputs.push(map.iteration_input(&cx, selected, &item.item)?);
        }
        inspection.record("afterItemSelector", &Json::array(inputs.iter().cloned()));
        Ok(inputs)
    }

    /// `mapIterationFailureCount` against what the Map tolerates, if it says so.
    fn too_many_failures(
        &self,
        tolerance: crate::state::Tolerance,
        inspection: &Inspection,
    ) -> Result<(), StateError> {
        let says =
            inspection.tolerated_failure_count.is_some() || inspection.tolerated_failure_percentage.is_some();
        let (Some(failed), true) = (self.test.configuration.map_iteration_failure_count, says) else {
            return Ok(());
        };
        if self.test.configuration.error_caused_by_state.is_some() {
            return Ok(());
        }
        let total =
            self.mocked_result.as_ref().and_then(Json::as_array).map_or(failed, |items| items.len() as u64);
        match tolerance.is_exceeded(failed, total) {
            true => Err(StateError::reported(
                Some("States.ExceedToleratedFailureThreshold".into()),
                Some("The specified tolerated failure threshold was exceeded".into()),
            )),
            false => Ok(()),
        }
    }

    /// The state's work: the mock, or the real thing.
    async fn work(
        &mut self,
        service: &Service,
        arguments: Json,
        inspection: &mut Inspection,
    ) -> Result<Json, StateError> {
        if let Some(mock) = &self.test.mock {
            return match &mock.mocked {
                Mocked::Result(_) => Ok(self.mocked_result.clone().unwrap_or_default()),
                Mocked::Error { error, cause } => Err(StateError::reported(
                    error.as_deref().map(Into::into),
                    cause.as_deref().map(Into::into),
                )),
            };
        }
        let (call, wrap) = work::call(&self.subject, &self.context, arguments)?;
        let parameters = call.parameters.clone();
        let answer = match self.test.level {
            Level::Trace => {
                let secrets = if self.test.reveal_secrets { Secrets::Revealed } else { Secrets::Hidden };
                let traced = service.engine.invoke_traced(call, secrets).await;
                inspection.exchange = traced.exchange;
                traced.result
            }
            Level::Info | Level::Debug => service.engine.invoke(call).await,
        };
        let answer = answer.map_err(|failure| {
            StateError::reported(Some(failure.error.into()), Some(failure.cause.into()))
        })?;
        Ok(match wrap {
            work::Wrap::Lambda => {
                let request_id = uuid::Uuid::new_v4().to_string();
                lambda_envelope(&parameters, answer, &request_id, self.now.as_millisecond())
            }
            work::Wrap::No => answer,
        })
    }

    fn reply(&self, result: Json, inspection: &mut Inspection) -> Result<(Finished, Transition), StateError> {
        let cx = self.cx();
        if self.subject.kind() == "Task" {
            inspection.record("result", &result);
        }
        if !self.subject.is_jsonata {
            show_result(&Fields { state: &self.subject.definition, scope: cx }, &result, inspection);
        }
        self.subject.state().reply(&cx, result)
    }

    /// What retriers and catchers do about an error.
    fn failed(&mut self, error: StateError, inspection: &mut Inspection) -> Verdict {
        let mut verdict = Verdict {
            status: Status::Failed,
            output: None,
            error: error.name.as_deref().map(str::to_owned),
            cause: error.cause.as_deref().map(str::to_owned),
            next_state: None,
        };
        let subject = &self.subject;
        let Some(handlers) = subject.state().handlers() else { return verdict };
        if let Some((index, retrier)) = handlers.retrier(&error) {
            let done = self.test.configuration.retrier_retry_count.unwrap_or(0);
            inspection.error_details.retry_index = Some(index);
            if let Some(delay) = retrier.delay(done, &self.random) {
                let seconds = u64::try_from(delay).unwrap_or(0).div_ceil(1000);
                inspection.error_details.retry_backoff_interval_seconds = Some(seconds);
                verdict.status = Status::Retriable;
                return verdict;
            }
        }
        let Some((index, catcher)) = handlers.catcher(&error) else { return verdict };
        inspection.error_details.catch_index = Some(index);
        match catcher.catch(&self.cx(), &error) {
            Ok(finished) => {
                verdict.status = Status::CaughtError;
                verdict.next_state = subject.target(Transition::Next(catcher.next));
                let assigned = finished.assigned;
                verdict.output = Some(finished.output);
                self.assign(assigned.as_ref());
            }
            Err(error) => {
                verdict.error = error.name.as_deref().map(str::to_owned);
                verdict.cause = error.cause.as_deref().map(str::to_owned);
            }
        }
        verdict
    }
}

fn show_result(fields: &Fields<'_>, result: &Json, inspection: &mut Inspection) {
    let Some(selected) = fields.after_template("ResultSelector", result) else { return };
    inspection.record("afterResultSelector", &selected);
    if let Some(placed) = fields.after_result_path(&selected) {
        inspection.record("afterResultPath", &placed);
    }
}
