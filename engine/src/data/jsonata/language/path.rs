//! Paths: steps, predicates, bindings, orders.

use std::cmp::Ordering;
use std::rc::Rc;

use super::ast::{Kind, Node, Stage, Term};
use super::error::{Error, Outcome};
use super::evaluate::Evaluator;
use super::function::Frame;
use super::meter::Meter;
use super::text::{boolean, compare};
use super::value::{Array, Marks, Tuple, Value};

impl Evaluator<'_> {
    pub(super) fn path(
        &mut self,
        path: &Node,
        steps: &[Node],
        keep_singleton: bool,
        input: &Value,
        frame: &Rc<Frame>,
    ) -> Outcome<Value> {
        let mut values = match input {
            Value::Array(array) if !matches!(steps[0].kind, Kind::Variable(_)) => Value::Array(array.clone()),
            other => Value::sequence(vec![other.clone()], &mut self.meter)?,
        };
        let mut tuples: Option<Vec<Tuple>> = None;
        let mut is_tuple = false;
        let mut result = Value::Undefined;
        for (at, step) in steps.iter().enumerate() {
            is_tuple |= step.tuple;
            if at == 0 && step.cons_array {
                result = self.evaluate(step, &values, frame)?;
            } else if is_tuple {
                tuples = Some(self.tuple_step(step, &values, tuples, frame)?);
            } else {
                result = self.step(step, &values, at + 1 == steps.len(), frame)?;
            }
            if !is_tuple && is_empty(&result) {
                break;
            }
            if step.focus().is_none() {
                values = result.clone();
            }
        }
        let tuples = tuples.unwrap_or_default();
        if is_tuple {
            result = if path.tuple {
                Value::Tuples(Rc::new(tuples.clone()))
            } else {
                let contexts = tuples.iter().map(|tuple| tuple.context.clone()).collect();
                Value::sequence(contexts, &mut self.meter)?
            };
        }
        if keep_singleton {
            if let Value::Array(array) = &result
                && array.marks.constructed
                && !array.marks.sequence
            {
                result = Value::sequence(vec![result], &mut self.meter)?;
            }
            match &mut result {
                Value::Array(array) => array.marks.keep_singleton = true,
                Value::Undefined => {
                    return Err(Error::uncoded(
                        "Cannot set properties of undefined (setting 'keepSingleton')",
                    ));
                }
                _ => {}
            }
        }
        match path.group() {
            Some(group) if is_tuple => self.group(group, &Value::Tuples(Rc::new(tuples)), frame),
            Some(group) => self.group(group, &result, frame),
            None => Ok(result),
        }
    }

    fn step(&mut self, step: &Node, input: &Value, is_last: bool, frame: &Rc<Frame>) -> Outcome<Value> {
        if let Kind::Sort(terms) = &step.kind {
            let mut result = self.sort_values(step, terms, input, frame)?;
            for stage in step.stages() {
                if let Stage::Filter(predicate) = stage {
                    result = self.filter(predicate, &result, frame)?;
                }
            }
            return Ok(result);
        }
        let Value::Array(input) = input else { return Value::sequence(Vec::new(), &mut self.meter) };
        let mut found = Vec::new();
        for item in input.iter() {
            let mut value = self.evaluate(step, &item, frame)?;
            for stage in step.stages() {
                if let Stage::Filter(predicate) = stage {
                    value = self.filter(predicate, &value, frame)?;
                }
            }
            if !value.is_undefined() {
                found.push(value);
            }
        }
        if is_last && found.len() == 1 && matches!(&found[0], Value::Array(array) if !array.marks.sequence) {
            return Ok(found.pop().unwrap_or_default());
        }
        let mut flat = Vec::with_capacity(found.len());
        for value in found {
            match value {
                Value::Array(array) if !array.marks.constructed => {
                    self.meter.array(array.len())?;
                    flat.extend(array.iter());
                }
                other => flat.push(other),
            }
        }
        Value::sequence(flat, &mut self.meter)
    }

    fn tuple_step(
        &mut self,
        step: &Node,
        input: &Value,
        tuples: Option<Vec<Tuple>>,
        frame: &Rc<Frame>,
    ) -> Outcome<Vec<Tuple>> {
        let mut result = Vec::new();
        if let Kind::Sort(terms) = &step.kind {
            match tuples {
                Some(tuples) => result = self.sort_tuples(step, terms, tuples, frame)?,
                None => {
                    let sorted = self.sort_values(step, terms, input, frame)?;
                    for (at, value) in super::evaluate::flat(&sorted).into_iter().enumerate() {
                        let mut tuple = Tuple::of(value);
                        if let Some(index) = step.index() {
                            tuple.set(index, Value::Number(at as f64));
                        }
                        result.push(tuple);
                    }
                }
            }
            return self.tuple_stages(step.stages(), result, frame);
        }
        let tuples =
            tuples.unwrap_or_else(|| super::evaluate::flat(input).into_iter().map(Tuple::of).collect());
        for tuple in &tuples {
            let around = self.tuple_frame(frame, tuple)?;
            let value = self.evaluate(step, &tuple.context, &around)?;
            let values = match &value {
                Value::Undefined => continue,
                Value::Tuples(inner) => {
                    for inner in inner.iter() {
                        self.meter.object(1 + tuple.bound.len())?;
                        let mut joined = tuple.clone();
                        joined.context = inner.context.clone();
                        inner.bound.iter().for_each(|(name, value)| joined.set(*name, value.clone()));
                        result.push(joined);
                    }
                    continue;
                }
                other => super::evaluate::flat(other),
            };
            for (at, value) in values.into_iter().enumerate() {
                self.meter.object(1 + tuple.bound.len())?;
                let mut next = tuple.clone();
                match step.focus() {
                    Some(focus) => next.set(focus, value),
                    None => next.context = value,
                }
                if let Some(index) = step.index() {
                    next.set(index, Value::Number(at as f64));
                }
                if let Some(slot) = step.ancestor() {
                    next.set(self.program.slots[slot], tuple.context.clone());
                }
                result.push(next);
            }
        }
        self.tuple_stages(step.stages(), result, frame)
    }

    fn tuple_stages(
        &mut self,
        stages: &[Stage],
        mut tuples: Vec<Tuple>,
        frame: &Rc<Frame>,
    ) -> Outcome<Vec<Tuple>> {
        for stage in stages {
            match stage {
                Stage::Index(name) => {
                    for (at, tuple) in tuples.iter_mut().enumerate() {
                        tuple.set(*name, Value::Number(at as f64));
                    }
                }
                Stage::Filter(predicate) => {
                    let chosen =
                        self.choose(predicate, tuples.len(), frame, &|at| tuples[at].clone(), true)?;
                    tuples = chosen.into_iter().map(|at| tuples[at].clone()).collect();
                }
            }
        }
        Ok(tuples)
    }

    /// The values that a predicate chooses.
    pub(super) fn filter(&mut self, predicate: &Node, input: &Value, frame: &Rc<Frame>) -> Outcome<Value> {
        let array = match input {
            Value::Tuples(tuples) => {
                let chosen = self.choose(predicate, tuples.len(), frame, &|at| tuples[at].clone(), true)?;
                return Ok(Value::Tuples(Rc::new(chosen.into_iter().map(|at| tuples[at].clone()).collect())));
            }
            Value::Array(array) => array.clone(),
            other => Array::made(vec![other.clone()], Marks::SEQUENCE, &mut self.meter)?,
        };
        if let Kind::Number(number) = predicate.kind {
            return match index_of(number, array.len()).and_then(|at| array.get(at)) {
                Some(Value::Array(item)) => Ok(Value::Array(item)),
                Some(Value::Undefined) | None => Value::sequence(Vec::new(), &mut self.meter),
                Some(item) => Value::sequence(vec![item], &mut self.meter),
            };
        }
        let item = |at| Tuple::of(array.get(at).unwrap_or_default());
        let chosen = self.choose(predicate, array.len(), frame, &item, false)?;
        let items = chosen.into_iter().filter_map(|at| array.get(at)).collect();
        Value::sequence(items, &mut self.meter)
    }

    /// The indices of what a predicate chooses.
    fn choose(
        &mut self,
        predicate: &Node,
        count: usize,
        frame: &Rc<Frame>,
        item: &dyn Fn(usize) -> Tuple,
        is_tuple: bool,
    ) -> Outcome<Vec<usize>> {
        if let Kind::Number(number) = predicate.kind {
            return Ok(index_of(number, count).filter(|at| *at < count).into_iter().collect());
        }
        let mut chosen = Vec::new();
        for at in 0..count {
            let tuple = item(at);
            let around = if is_tuple { self.tuple_frame(frame, &tuple)? } else { Rc::clone(frame) };
            let value = self.evaluate(predicate, &tuple.context, &around)?;
            if let Some(number) = value.as_numeric()? {
                chosen.extend(index_of(number, count).filter(|index| *index == at));
                continue;
            }
            match numbers_of(&value, &mut self.meter)? {
                Some(numbers) => {
                    let matching = numbers.into_iter().filter(|number| index_of(*number, count) == Some(at));
                    chosen.extend(matching.map(|_| at));
                }
                None if boolean(&value)? => chosen.push(at),
                None => {}
            }
        }
        Ok(chosen)
    }

    fn sort_values(
        &mut self,
        step: &Node,
        terms: &[Term],
        input: &Value,
        frame: &Rc<Frame>,
    ) -> Outcome<Value> {
        let Value::Array(array) = input else { return Ok(input.clone()) };
        if array.len() <= 1 {
            return Ok(input.clone());
        }
        let items = array.to_vec();
        let sorted = merge_sort(items, &mut |left: &Value, right: &Value| {
            self.is_after(step, terms, (left, frame), (right, frame))
        })?;
        Value::array(sorted, &mut self.meter)
    }

    fn sort_tuples(
        &mut self,
        step: &Node,
        terms: &[Term],
        tuples: Vec<Tuple>,
        frame: &Rc<Frame>,
    ) -> Outcome<Vec<Tuple>> {
        merge_sort(tuples, &mut |left: &Tuple, right: &Tuple| {
            let (left_frame, right_frame) = (self.tuple_frame(frame, left)?, self.tuple_frame(frame, right)?);
            self.is_after(step, terms, (&left.context, &left_frame), (&right.context, &right_frame))
        })
    }

    /// Whether the left value comes after the right one.
    fn is_after(
        &mut self,
        step: &Node,
        terms: &[Term],
        left: (&Value, &Rc<Frame>),
        right: (&Value, &Rc<Frame>),
    ) -> Outcome<bool> {
        for term in terms {
            let a = self.evaluate(&term.expression, left.0, left.1)?;
            let b = self.evaluate(&term.expression, right.0, right.1)?;
            let ordering = match (&a, &b) {
                (Value::Undefined, Value::Undefined) => continue,
                (Value::Undefined, _) => return Ok(true),
                (_, Value::Undefined) => return Ok(false),
                (Value::Text(a), Value::Text(b)) => compare(a, b),
                _ => match (a.as_double(), b.as_double()) {
                    (Some(a), Some(b)) if a == b => Ordering::Equal,
                    (Some(a), Some(b)) => {
                        if a < b {
                            Ordering::Less
                        } else {
                            Ordering::Greater
                        }
                    }
                    (left, right) => {
                        let is_sortable = |value: &Value, number: Option<f64>| {
                            number.is_some() || value.as_text().is_some()
                        };
                        if is_sortable(&a, left) && is_sortable(&b, right) {
                            return Err(Error::new("T2007").at(step.position).with_value(&a).with_value2(&b));
                        }
                        return Err(Error::new("T2008").at(step.position));
                    }
                },
            };
            match if term.descending { ordering.reverse() } else { ordering } {
                Ordering::Less => return Ok(false),
                Ordering::Greater => return Ok(true),
                Ordering::Equal => {}
            }
        }
        Ok(false)
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Undefined => true,
        Value::Array(array) => array.len() == 0,
        Value::Text(text) => text.is_empty(),
        _ => false,
    }
}

/// An index as the language counts: from the end if negative.
fn index_of(number: f64, count: usize) -> Option<usize> {
    let index = number.floor();
    let index = if index < 0.0 { count as f64 + index } else { index };
    (index >= 0.0 && index < count as f64).then_some(index as usize)
}

/// The numbers, if this is an array of nothing else.
pub(super) fn numbers_of(value: &Value, meter: &mut Meter) -> Outcome<Option<Vec<f64>>> {
    let Value::Array(array) = value else { return Ok(None) };
    meter.steps(array.len())?;
    let mut numbers = Vec::with_capacity(array.len());
    let mut is_all = true;
    for item in array.iter() {
        match item.as_numeric()? {
            Some(number) => numbers.push(number),
            None => is_all = false,
        }
    }
    Ok(is_all.then_some(numbers))
}

/// The reference implementation's sort: stable, and asking only whether the left item comes after the right one.
pub(super) fn merge_sort<T: Clone>(
    mut items: Vec<T>,
    is_after: &mut dyn FnMut(&T, &T) -> Outcome<bool>,
) -> Outcome<Vec<T>> {
    if items.len() <= 1 {
        return Ok(items);
    }
    let right = items.split_off(items.len() / 2);
    let left = merge_sort(items, is_after)?;
    let right = merge_sort(right, is_after)?;
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
        if is_after(a, b)? {
            merged.extend(right.next());
        } else {
            merged.extend(left.next());
        }
    }
    merged.extend(left);
    merged.extend(right);
    Ok(merged)
}
