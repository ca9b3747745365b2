//! Parallel and the inline Map: strands within a strand.

use std::sync::Arc;

use super::strand::{Branches, Iterations, Parent, Work};
use super::{Execution, Item, PAYLOAD_LIMIT};
use crate::data::Json;
use crate::history::{Detail, Details, EventType, Field};
use crate::state::{MapMode, Spread, State, StateError};

/// How many iterations of an inline Map run at once where the definition sets no limit, as AWS has it.
const INLINE_CONCURRENCY: usize = 40;

impl Execution {
    /// Begins the branches of a Parallel state.
    pub(super) fn fork(&mut self, id: usize, state: &State, input: Json) -> bool {
        let started = self.emit(id, EventType::ParallelStateStarted, Vec::new());
        let count = state.inner().len();
        let variables = self.strand(id).variables.clone();
        let item = self.strand(id).item.clone();
        let children = state
            .inner()
            .iter()
            .enumerate()
            .map(|(index, branch)| {
                let parent = Parent { strand: id, index };
                self.begin(
                    Some(parent),
                    Arc::clone(branch),
                    input.clone(),
                    variables.clone(),
                    item.clone(),
                    started,
                )
            })
            .collect();
        self.strand_mut(id).work =
            Work::Branching(Branches { outputs: vec![None; count], left: count, map: None, children });
        false
    }

    /// Begins the iterations of a Map state, or its run.
    pub(super) fn spread(&mut self, id: usize, state: &Arc<State>, spread: Spread) -> bool {
        // What an expression makes up is held to the limit of a payload, as an input is.
        if spread.items.iter().map(|item| item.serialized_len() + 1).sum::<usize>() > PAYLOAD_LIMIT {
            return self.fail(id, state, StateError::data_limit(&state.name));
        }
        let length = spread.items.len();
        self.emit(id, EventType::MapStateStarted, vec![(Field::Length, Detail::Number(length as u64))]);
        let Some(map) = state.as_map() else { return false };
        if let MapMode::Distributed(distributed) = &map.mode {
            return self.start_map_run(id, state, distributed, spread);
        }
        let Spread { items, selected, max_concurrency } = spread;
        if length == 0 {
            let started = self.strand(id).last;
            return self.map_complete(id, state, Json::array([]), started);
        }
        let at_once = match usize::try_from(max_concurrency) {
            Ok(limit) if limit > 0 => limit.min(length),
            _ => INLINE_CONCURRENCY.min(length),
        };
        self.strand_mut(id).work = Work::Branching(Branches {
            outputs: vec![None; length],
            left: length,
            map: Some(Iterations { items, selected, next: 0 }),
            children: Vec::with_capacity(at_once),
        });
        let started = self.strand(id).last;
        for _ in 0..at_once {
            if let Err(error) = self.begin_iteration(id, state, started) {
                return self.iteration_refused(id, state, error);
            }
        }
        false
    }

    /// Begins the next iteration, if there is one.
    fn begin_iteration(&mut self, id: usize, state: &State, previous: u64) -> Result<(), StateError> {
        let (Some(map), Work::Branching(Branches { map: Some(iterations), .. })) =
            (state.as_map(), &self.strand(id).work)
        else {
            return Ok(());
        };
        let index = iterations.next;
        let Some(value) = iterations.items.get(index).cloned() else { return Ok(()) };
        let selected = iterations.selected.clone();
        let item = Item { index: index as u64, value };
        let input = {
            let strand = self.strand(id);
            let mut context = self.context(strand, state, None);
            context.item = Some(&item);
            map.iteration_input(&self.cx(strand, &context), &selected, &item.value)?
        };
        let started = self.next_event;
        self.push_event(EventType::MapIterationStarted, previous, iteration_details(state, index));
        let variables = self.strand(id).variables.clone();
        let parent = Parent { strand: id, index };
        let child =
            self.begin(Some(parent), Arc::clone(&map.processor), input, variables, Some(item), started);
        if let Work::Branching(branches) = &mut self.strand_mut(id).work {
            branches.children.push(child);
            if let Some(iterations) = &mut branches.map {
                iterations.next += 1;
            }
        }
        Ok(())
    }

    /// An item could not be made into an input: the Map fails, and what has begun is broken off.
    fn iteration_refused(&mut self, id: usize, state: &State, error: StateError) -> bool {
        self.abort_children(id);
        self.strand_mut(id).work = Work::Again;
        self.fail(id, state, error)
    }

    /// A branch or an iteration has come to its end.
    pub(super) fn branch_complete(&mut self, id: usize, parent: Parent, output: Json) {
        let holder = parent.strand;
        let strand = self.strand(holder);
        let state = Arc::clone(strand.states.at(strand.place));
        let is_map = state.as_map().is_some();
        let mut last = self.strand(id).last;
        let told = if is_map {
            self.emit_aside(id, EventType::MapIterationSucceeded, iteration_details(&state, parent.index))
        } else {
            last
        };
        self.end_strand(id);
        let Work::Branching(branches) = &mut self.strand_mut(holder).work else { return };
        branches.children.retain(|child| *child != id);
        branches.outputs[parent.index] = Some(output);
        branches.left -= 1;
        if branches.left > 0 {
            if let Err(error) = self.begin_iteration(holder, &state, last) {
                self.strand_mut(holder).last = last;
                if self.iteration_refused(holder, &state, error) {
                    self.make_ready_as_is(holder);
                }
            }
            return;
        }
        let outputs = std::mem::take(&mut branches.outputs);
        let result = Json::array(outputs.into_iter().map(Option::unwrap_or_default));
        if is_map {
            last = told;
        }
        let strand = self.strand_mut(holder);
        strand.last = last;
        strand.work = Work::Again;
        let goes_on = if is_map {
            self.map_complete(holder, &state, result, last)
        } else {
            let told = self.emit_aside(holder, EventType::ParallelStateSucceeded, Vec::new());
            self.reply_after(holder, &state, result, told)
        };
        if goes_on {
            self.make_ready_as_is(holder);
        }
    }

    /// All iterations are done, which follows this event.
    pub(super) fn map_complete(&mut self, id: usize, state: &State, result: Json, previous: u64) -> bool {
        let told = self.push_event(EventType::MapStateSucceeded, previous, Vec::new());
        self.reply_after(id, state, result, told)
    }
}

/// `name` and `index` of an iteration.
pub(super) fn iteration_details(state: &State, index: usize) -> Details {
    vec![(Field::Name, Detail::Text(Arc::clone(&state.name))), (Field::Index, Detail::Number(index as u64))]
}
