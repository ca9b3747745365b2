//! The evaluator: one function for each kind of part.

use std::rc::{Rc, Weak};
use std::sync::Arc;

use indexmap::IndexMap;

use super::ast::{Group, Kind, Node, Operator, Stage};
use super::error::{Error, Outcome};
use super::function::{Closure, Frame, Function};
use super::functions::{self, Builtin};
use super::meter::{Limits, Meter};
use super::text::boolean;
use super::value::{Array, Marks, Object, Tuple, Value};
use super::{Host, Program};

/// The value of an expression over an input.
pub(crate) fn evaluate(program: &Program, input: &Value, host: &dyn Host, limits: Limits) -> Outcome<Value> {
    if program.is_too_deep {
        return Err(Error::stack());
    }
    let mut evaluator = Evaluator {
        program,
        host,
        meter: Meter::new(limits),
        root: input.clone(),
        frames: Vec::new(),
        tokens: Vec::new(),
    };
    let input = match input {
        Value::Array(array) if !array.marks.sequence => {
            let marks = Marks { outer: true, ..Marks::SEQUENCE };
            Value::Array(Array::made(vec![Value::Array(array.clone())], marks, &mut evaluator.meter)?)
        }
        other => other.clone(),
    };
    let frame = Rc::new(Frame::new(None));
    evaluator.evaluate(&program.root, &input, &frame)
}

/// One evaluation.
pub(crate) struct Evaluator<'a> {
    pub(super) program: &'a Program,
    pub(super) host: &'a dyn Host,
    pub(super) meter: Meter,
    /// `$$`
    root: Value,
    /// Frames that may hold functions which hold them.
    frames: Vec<Weak<Frame>>,
    /// The names by which functions of the language were called last.
    pub(super) tokens: Vec<(&'static str, u32)>,
}

impl Drop for Evaluator<'_> {
    fn drop(&mut self) {
        for frame in self.frames.drain(..) {
            if let Some(frame) = frame.upgrade() {
                frame.clear();
            }
        }
    }
}

impl Evaluator<'_> {
    pub(super) fn evaluate(&mut self, node: &Node, input: &Value, frame: &Rc<Frame>) -> Outcome<Value> {
        self.meter.enter()?;
        let mut result = self.part(node, input, frame)?;
        for stage in node.predicates() {
            if let Stage::Filter(predicate) = stage {
                result = self.filter(predicate, &result, frame)?;
            }
        }
        if let Some(group) = node.group()
            && !matches!(node.kind, Kind::Path { .. })
        {
            result = self.group(group, &result, frame)?;
        }
        self.meter.leave();
        if let Value::Array(array) = &mut result
            && array.marks.sequence
        {
            array.marks.keep_singleton |= node.keep_array;
            match array.len() {
                0 => return Ok(Value::Undefined),
                1 if !array.marks.keep_singleton => return Ok(array.get(0).unwrap_or_default()),
                _ => {}
            }
        }
        Ok(result)
    }

    fn part(&mut self, node: &Node, input: &Value, frame: &Rc<Frame>) -> Outcome<Value> {
        Ok(match &node.kind {
            Kind::Name(name) => functions::lookup(input, name, &mut self.meter)?,
            Kind::Text(text) => Value::Text(Arc::clone(text)),
            Kind::Number(number) => Value::Number(*number),
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Null => Value::Null,
            Kind::Variable(name) => self.variable(*name, input, frame),
            Kind::Wildcard => self.wildcard(input)?,
            Kind::Descendant => self.descendants(input)?,
            Kind::Parent(slot) => frame.lookup(self.program.slots[*slot]).unwrap_or_default(),
            Kind::Regex(regex) => Value::Function(Rc::new(Function::Pattern(Arc::clone(regex)))),
            Kind::Path { steps, keep_singleton } => self.path(node, steps, *keep_singleton, input, frame)?,
            Kind::Binary(operator, left, right) => {
                self.binary(node, *operator, (left, right), input, frame)?
            }
            Kind::Negate(operand) => self.negate(node, operand, input, frame)?,
            Kind::Array(items) => self.array(items, node.cons_array, input, frame)?,
            Kind::Object(pairs) => self.pairs(pairs, node.position, input, frame)?,
            Kind::Block(parts) => {
                let frame = self.frame(frame)?;
                let mut result = Value::Undefined;
                for part in parts {
                    result = self.evaluate(part, input, &frame)?;
                }
                result
            }
            Kind::Condition { condition, then, otherwise } => {
                let condition = self.evaluate(condition, input, frame)?;
                match otherwise {
                    _ if boolean(&condition)? => self.evaluate(then, input, frame)?,
                    Some(otherwise) => self.evaluate(otherwise, input, frame)?,
                    None => Value::Undefined,
                }
            }
            Kind::Bind(name, value) => {
                let value = self.evaluate(value, input, frame)?;
                self.bind(*name, value.clone(), frame)?;
                value
            }
            Kind::Apply(left, right) => self.apply_chain(node, left, right, input, frame)?,
            Kind::Call(call) => self.call(call, None, input, frame)?,
            Kind::Partial(call) => self.partial(call, input, frame)?,
            Kind::Lambda(lambda) => {
                self.meter.captured()?;
                Value::Function(Rc::new(Function::Lambda(Closure {
                    lambda: Arc::clone(lambda),
                    params: lambda.params.clone(),
                    signature: lambda.signature.clone(),
                    input: input.clone(),
                    frame: Rc::clone(frame),
                    token: None.into(),
                })))
            }
            Kind::TailCall(call) => Value::Function(Rc::new(Function::TailCall {
                call: Arc::clone(call),
                input: input.clone(),
                frame: Rc::clone(frame),
            })),
            Kind::Transform(transform) => Value::Function(Rc::new(Function::Transform {
                transform: Arc::clone(transform),
                frame: Rc::clone(frame),
            })),
            // The parser leaves none of them.
            Kind::Sort(_) | Kind::Placeholder | Kind::Raw(_) => Value::Undefined,
        })
    }

    /// A frame inside another.
    pub(super) fn frame(&mut self, around: &Rc<Frame>) -> Outcome<Rc<Frame>> {
        self.meter.step()?;
        super::value::check_level(around.level())?;
        Ok(Rc::new(Frame::new(Some(Rc::clone(around)))))
    }

    /// A frame with the bindings of a tuple.
    pub(super) fn tuple_frame(&mut self, around: &Rc<Frame>, tuple: &Tuple) -> Outcome<Rc<Frame>> {
        let frame = self.frame(around)?;
        for (name, value) in &tuple.bound {
            frame.bind(*name, value.clone());
        }
        Ok(frame)
    }

    fn bind(&mut self, name: u32, value: Value, frame: &Rc<Frame>) -> Outcome<()> {
        if matches!(value, Value::Function(_) | Value::Array(_) | Value::Object(_)) {
            self.meter.captured()?;
            self.frames.push(Rc::downgrade(frame));
        }
        frame.bind(name, value);
        Ok(())
    }

    fn variable(&mut self, name: u32, input: &Value, frame: &Rc<Frame>) -> Value {
        let text = self.program.name(name);
        if text.is_empty() {
            return match input {
                Value::Array(array) if array.marks.outer => array.get(0).unwrap_or_default(),
                other => other.clone(),
            };
        }
        if let Some(value) = frame.lookup(name) {
            return value;
        }
        self.global(text)
    }

    /// A variable that the expression does not bind itself, or a function.
    fn global(&self, name: &str) -> Value {
        if name == "$" {
            return self.root.clone();
        }
        if let Some(value) = self.host.variable(name) {
            return value;
        }
        if let Some(function) = self.host.function(name) {
            return Value::Function(Rc::new(Function::Host(function)));
        }
        match Builtin::named(name) {
            Some(builtin) => Value::Function(Rc::new(Function::Builtin(builtin))),
            None => Value::Undefined,
        }
    }

    /// The variable or function of a name, from inside the language.
    pub(super) fn named(&self, name: &str, frame: &Rc<Frame>) -> Value {
        let number = self.program.names.iter().position(|known| &**known == name);
        number.and_then(|number| frame.lookup(number as u32)).unwrap_or_else(|| self.global(name))
    }

    fn negate(&mut self, node: &Node, operand: &Node, input: &Value, frame: &Rc<Frame>) -> Outcome<Value> {
        let value = self.evaluate(operand, input, frame)?;
        if value.is_undefined() {
            return Ok(value);
        }
        match value.as_numeric()? {
            Some(number) => Ok(Value::Number(-number)),
            None => Err(Error::new("D1002").at(node.position).with_token("-").with_value(&value)),
        }
    }

    fn array(
        &mut self,
        items: &[Node],
        constructed: bool,
        input: &Value,
        frame: &Rc<Frame>,
    ) -> Outcome<Value> {
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            match (self.evaluate(item, input, frame)?, &item.kind) {
                (Value::Undefined, _) => {}
                (value, Kind::Array(_)) => list.push(value),
                (Value::Array(array), _) => {
                    self.meter.array(array.len())?;
                    list.extend(array.iter());
                }
                (value, _) => list.push(value),
            }
        }
        let marks = Marks { constructed, ..Marks::default() };
        Array::made(list, marks, &mut self.meter).map(Value::Array)
    }

    fn pairs(
        &mut self,
        pairs: &[(Node, Node)],
        position: usize,
        input: &Value,
        frame: &Rc<Frame>,
    ) -> Outcome<Value> {
        if !input.is_array() {
            // One value: no groups to gather.
            let mut entries: IndexMap<Arc<str>, &Node> = IndexMap::with_capacity(pairs.len());
            for (key, value) in pairs {
                let key = self.evaluate(key, input, frame)?;
                let Some(key) = object_key(&key, position)? else { continue };
                if entries.insert(Arc::clone(&key), value).is_some() {
                    return Err(Error::new("D1009").at(position).with_value(&Value::Text(key)));
                }
            }
            super::value::sort_keys(&mut entries);
            let mut made = IndexMap::with_capacity(entries.len());
            for (key, value) in entries {
                let value = self.evaluate(value, input, frame)?;
                if !value.is_undefined() {
                    made.insert(key, value);
                }
            }
            return Value::object(made, &mut self.meter);
        }
        self.grouped(pairs, position, input, frame)
    }

    pub(super) fn group(&mut self, group: &Group, input: &Value, frame: &Rc<Frame>) -> Outcome<Value> {
        self.grouped(&group.pairs, group.position, input, frame)
    }

    fn grouped(
        &mut self,
        pairs: &[(Node, Node)],
        position: usize,
        input: &Value,
        frame: &Rc<Frame>,
    ) -> Outcome<Value> {
        let tuples: Vec<Tuple> = match input {
            Value::Tuples(tuples) if tuples.is_empty() && !pairs.is_empty() => {
                return Err(Error::uncoded("Cannot read properties of undefined (reading '@')"));
            }
            Value::Tuples(tuples) => tuples.to_vec(),
            Value::Array(array) if array.len() > 0 => array.iter().map(Tuple::of).collect(),
            Value::Array(_) => vec![Tuple::default()],
            other => vec![Tuple::of(other.clone())],
        };
        let reduce = matches!(input, Value::Tuples(_));
        let mut groups: IndexMap<Arc<str>, Gathered> = IndexMap::new();
        for tuple in &tuples {
            let around = if reduce { self.tuple_frame(frame, tuple)? } else { Rc::clone(frame) };
            for (at, (key, _)) in pairs.iter().enumerate() {
                let key = self.evaluate(key, &tuple.context, &around)?;
                let Some(key) = object_key(&key, position)? else { continue };
                self.meter.object(1)?;
                match groups.get_mut(&key) {
                    Some(group) if group.pair != at => {
                        return Err(Error::new("D1009").at(position).with_value(&Value::Text(key)));
                    }
                    Some(group) => group.add(tuple, &mut self.meter)?,
                    None => {
                        groups
                            .insert(key, Gathered { pair: at, tuple: tuple.clone(), more: IndexMap::new() });
                    }
                }
            }
        }
        super::value::sort_keys(&mut groups);
        let mut entries = IndexMap::with_capacity(groups.len());
        for (key, group) in groups {
            let pair = group.pair;
            let tuple = group.finish(&mut self.meter)?;
            let around = if reduce { self.tuple_frame(frame, &tuple)? } else { Rc::clone(frame) };
            let value = self.evaluate(&pairs[pair].1, &tuple.context, &around)?;
            if !value.is_undefined() {
                entries.insert(key, value);
            }
        }
        Object::made(entries, &mut self.meter).map(Value::Object)
    }

    /// The values of an array's or object's members, arrays flattened.
    fn wildcard(&mut self, input: &Value) -> Outcome<Value> {
        let mut found = Vec::new();
        let members: Vec<Value> = match input {
            Value::Array(array) if array.marks.outer && array.len() > 0 => match array.get(0) {
                Some(Value::Array(inner)) => inner.to_vec(),
                Some(Value::Object(object)) => object.entries().into_iter().map(|(_, value)| value).collect(),
                _ => Vec::new(),
            },
            Value::Array(array) => array.to_vec(),
            Value::Object(object) => object.entries().into_iter().map(|(_, value)| value).collect(),
            _ => Vec::new(),
        };
        self.meter.array(members.len())?;
        for member in members {
            self.flatten(member, &mut found)?;
        }
        Value::sequence(found, &mut self.meter)
    }

    fn flatten(&mut self, value: Value, found: &mut Vec<Value>) -> Outcome<()> {
        self.meter.step()?;
        match value {
            Value::Array(array) => {
                for item in array.iter() {
                    self.flatten(item, found)?;
                }
            }
            other => {
                self.meter.array(1)?;
                found.push(other);
            }
        }
        Ok(())
    }

    fn descendants(&mut self, input: &Value) -> Outcome<Value> {
        if input.is_undefined() {
            return Ok(Value::Undefined);
        }
        let mut found = Vec::new();
        self.descend(input, &mut found)?;
        if found.len() == 1 {
            return Ok(found.pop().unwrap_or_default());
        }
        Value::sequence(found, &mut self.meter)
    }

    fn descend(&mut self, value: &Value, found: &mut Vec<Value>) -> Outcome<()> {
        self.meter.array(1)?;
        self.meter.step()?;
        match value {
            Value::Array(array) => {
                for item in array.iter() {
                    self.descend(&item, found)?;
                }
            }
            Value::Object(object) => {
                found.push(value.clone());
                for (_, member) in object.entries() {
                    self.descend(&member, found)?;
                }
            }
            other => found.push(other.clone()),
        }
        Ok(())
    }

    fn binary(
        &mut self,
        node: &Node,
        operator: Operator,
        (left, right): (&Node, &Node),
        input: &Value,
        frame: &Rc<Frame>,
    ) -> Outcome<Value> {
        let left = self.evaluate(left, input, frame)?;
        let named = |error: Error| error.at(node.position).with_token(operator.sign());
        if matches!(operator, Operator::And | Operator::Or) {
            let is_decided = boolean(&left).map_err(named)? == (operator == Operator::Or);
            if is_decided {
                return Ok(Value::Bool(operator == Operator::Or));
            }
            let right = self.evaluate(right, input, frame).and_then(|right| boolean(&right));
            return right.map(Value::Bool).map_err(named);
        }
        let right = self.evaluate(right, input, frame)?;
        self.operate(operator, &left, &right).map_err(named)
    }
}

/// The values that have one key, and the pair that gave it.
struct Gathered {
    pair: usize,
    /// The first of them.
    tuple: Tuple,
    /// What the others add, by the name it is bound to; nothing for the values themselves.
    more: IndexMap<Option<u32>, Vec<Value>>,
}

impl Gathered {
    fn add(&mut self, tuple: &Tuple, meter: &mut Meter) -> Outcome<()> {
        self.put(None, &tuple.context, meter)?;
        for (name, value) in &tuple.bound {
            self.put(Some(*name), value, meter)?;
        }
        Ok(())
    }

    /// `$append`, without making an array at each step.
    fn put(&mut self, name: Option<u32>, value: &Value, meter: &mut Meter) -> Outcome<()> {
        if value.is_undefined() {
            return Ok(());
        }
        let first = match name {
            None => &mut self.tuple.context,
            Some(name) => {
                if !self.tuple.bound.iter().any(|(known, _)| *known == name) {
                    self.tuple.bound.push((name, Value::Undefined));
                }
                match self.tuple.bound.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, first)) => first,
                    None => return Ok(()),
                }
            }
        };
        if first.is_undefined() {
            *first = value.clone();
            return Ok(());
        }
        let list = self.more.entry(name).or_insert_with(|| flat(first));
        let mut added = flat(value);
        meter.array(added.len())?;
        list.append(&mut added);
        Ok(())
    }

    fn finish(mut self, meter: &mut Meter) -> Outcome<Tuple> {
        for (name, list) in std::mem::take(&mut self.more) {
            let value = Value::array(list, meter)?;
            match name {
                None => self.tuple.context = value,
                Some(name) => self.tuple.set(name, value),
            }
        }
        Ok(self.tuple)
    }
}

/// The items of an array, or the value alone.
pub(super) fn flat(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(array) => array.to_vec(),
        other => vec![other.clone()],
    }
}

/// A key of an object: a text, or nothing.
fn object_key(key: &Value, position: usize) -> Outcome<Option<Arc<str>>> {
    match key {
        Value::Text(key) => Ok(Some(Arc::clone(key))),
        Value::Undefined => Ok(None),
        other => Err(Error::new("T1003").at(position).with_value(other)),
    }
}
