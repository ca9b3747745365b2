//! Parallel states and inline Map states: branches and iterations within a branch.

use std::sync::Arc;

use super::branch::{Children, Iterations, Parent, Work};
use super::run::Progress;
use super::{Execution, Item, ItemOrigin, MAX_PAYLOAD_BYTES};
use crate::data::Json;
use crate::history::{Detail, Details, EventType, Field};
use crate::state::{MapMode, MapRequest, State, StateError};

/// How many iterations of an inline Map run at once where the definition sets no limit, as AWS has it.
const INLINE_CONCURRENCY: usize = 40;

impl Execution {
    /// Starts the branches of a Parallel state.
    pub(super) fn start_branches(&mut self, id: usize, state: &State, input: Json) -> Progress {
        let started = self.emit(id, EventType::ParallelStateStarted, Vec::new());
        let count = state.inner().len();
        let variables = self.branch(id).variables.clone();
        let item = self.branch(id).item.clone();
        let running = state
            .inner()
            .iter()
            .enumerate()
            .map(|(index, states)| {
                let parent = Parent { branch: id, index };
                self.start_branch(
                    Some(parent),
                    Arc::clone(states),
                    input.clone(),
                    variables.clone(),
                    item.clone(),
                    started,
                )
            })
            .collect();
        self.branch_mut(id).work =
            Work::Branching(Children { outputs: vec![None; count], remaining: count, map: None, running });
        Progress::Suspend
    }

    /// Starts the iterations of a Map state, or its map run.
    pub(super) fn start_iterations(
        &mut self,
        id: usize,
        state: &Arc<State>,
        request: MapRequest,
    ) -> Progress {
        // Items that an expression creates have the limit of a payload, as an input has.
        if request.items.iter().map(|item| item.input().serialized_len() + 1).sum::<usize>()
            > MAX_PAYLOAD_BYTES
        {
            return self.fail(id, state, StateError::data_limit(&state.name));
        }
        let length = request.items.len();
        self.emit(id, EventType::MapStateStarted, vec![(Field::Length, Detail::Number(length as u64))]);
        let Some(map) = state.as_map() else { return Progress::Suspend };
        if let MapMode::Distributed(distributed) = &map.mode {
            return self.start_map_run(id, state, distributed, request);
        }
        let MapRequest { items, selected, max_concurrency, .. } = request;
        if length == 0 {
            let started = self.branch(id).last;
            return self.map_complete(id, state, Json::array([]), started);
        }
        let concurrency = match usize::try_from(max_concurrency) {
            Ok(limit) if limit > 0 => limit.min(length),
            _ => INLINE_CONCURRENCY.min(length),
        };
        self.branch_mut(id).work = Work::Branching(Children {
            outputs: vec![None; length],
            remaining: length,
            map: Some(Iterations { items, selected, next: 0 }),
            running: Vec::with_capacity(concurrency),
        });
        let started = self.branch(id).last;
        for _ in 0..concurrency {
            if let Err(error) = self.start_iteration(id, state, started) {
                return self.iteration_failed(id, state, error);
            }
        }
        Progress::Suspend
    }

    /// Starts the next iteration, if there is one.
    fn start_iteration(&mut self, id: usize, state: &State, previous: u64) -> Result<(), StateError> {
        let (Some(map), Work::Branching(Children { map: Some(iterations), .. })) =
            (state.as_map(), &self.branch(id).work)
        else {
            return Ok(());
        };
        let index = iterations.next;
        let Some(item) = iterations.items.get(index).cloned() else { return Ok(()) };
        let selected = iterations.selected.clone();
        let item = Item { index: index as u64, item, origin: ItemOrigin::Inline };
        let input = {
            let branch = self.branch(id);
            let mut context = self.context(branch, state, None);
            context.item = Some(&item);
            map.iteration_input(&self.scope(branch, &context), &selected, &item.item)?
        };
        let started = self.next_event;
        self.push_event(EventType::MapIterationStarted, previous, iteration_details(state, index));
        let variables = self.branch(id).variables.clone();
        let parent = Parent { branch: id, index };
        let child = self.start_branch(
            Some(parent),
            Arc::clone(&map.processor),
            input,
            variables,
            Some(item),
            started,
        );
        if let Work::Branching(children) = &mut self.branch_mut(id).work {
            children.running.push(child);
            if let Some(iterations) = &mut children.map {
                iterations.next += 1;
            }
        }
        Ok(())
    }

    /// Fails a Map one of whose items could not be made into an input; the iterations under way are aborted.
    fn iteration_failed(&mut self, id: usize, state: &State, error: StateError) -> Progress {
        self.abort_children(id);
        self.branch_mut(id).work = Work::Again;
        self.fail(id, state, error)
    }

    /// Completes a branch of a Parallel state or an iteration of a Map state.
    pub(super) fn branch_complete(&mut self, id: usize, parent: Parent, output: Json) {
        let holder = parent.branch;
        let state = self.state_of(holder);
        let is_map = state.as_map().is_some();
        let mut last = self.branch(id).last;
        let succeeded = if is_map {
            self.emit_aside(id, EventType::MapIterationSucceeded, iteration_details(&state, parent.index))
        } else {
            last
        };
        self.end_branch(id);
        let Work::Branching(children) = &mut self.branch_mut(holder).work else { return };
        children.running.retain(|child| *child != id);
        children.outputs[parent.index] = Some(output);
        children.remaining -= 1;
        if children.remaining > 0 {
            if let Err(error) = self.start_iteration(holder, &state, last) {
                self.branch_mut(holder).last = last;
                if self.iteration_failed(holder, &state, error) == Progress::Continue {
                    self.make_ready(holder);
                }
            }
            return;
        }
        let outputs = std::mem::take(&mut children.outputs);
        let result = Json::joined(outputs.into_iter().map(Option::unwrap_or_default).collect());
        if is_map {
            last = succeeded;
        }
        let branch = self.branch_mut(holder);
        branch.last = last;
        branch.work = Work::Again;
        let progress = if is_map {
            self.map_complete(holder, &state, result, last)
        } else {
            let succeeded = self.emit_aside(holder, EventType::ParallelStateSucceeded, Vec::new());
            self.reply_after(holder, &state, result, succeeded)
        };
        if progress == Progress::Continue {
            self.make_ready(holder);
        }
    }

    /// Completes a Map state, after the event `previous`.
    pub(super) fn map_complete(&mut self, id: usize, state: &State, result: Json, previous: u64) -> Progress {
        let succeeded = self.push_event(EventType::MapStateSucceeded, previous, Vec::new());
        self.reply_after(id, state, result, succeeded)
    }
}

/// `name` and `index` of an iteration.
pub(super) fn iteration_details(state: &State, index: usize) -> Details {
    vec![(Field::Name, Detail::Text(Arc::clone(&state.name))), (Field::Index, Detail::Number(index as u64))]
}
