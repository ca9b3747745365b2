//! The second pass of the parser: paths are put together from their steps, and every `%` finds its step.

use std::sync::Arc;

use super::ast::{Call, Group, Kind, Lambda, Node, Raw, Stage, Term, Transform};
use super::error::{Error, Outcome};
use super::value::Value;

/// Names of ancestors, apart from those of variables.
const ANCESTOR: u32 = 1 << 31;

/// Where a `%` looks.
#[derive(Clone, Copy, Debug)]
struct Slot {
    label: u32,
    level: i32,
}

#[derive(Default)]
pub(super) struct Processor {
    slots: Vec<Slot>,
}

impl Processor {
    /// The final form of an expression, and the label of each `%`.
    pub(super) fn finish(mut self, raw: Node) -> Outcome<(Node, Vec<u32>)> {
        let root = self.process(raw)?;
        if matches!(root.kind, Kind::Parent(_)) || root.seeking().is_some() {
            return Err(Error::new("S0217").at(root.position));
        }
        Ok((root, self.slots.iter().map(|slot| slot.label).collect()))
    }

    fn process(&mut self, mut raw: Node) -> Outcome<Node> {
        let (position, keep_array) = (raw.position, raw.keep_array);
        let kind = std::mem::replace(&mut raw.kind, Kind::Null);
        let mut result = match kind {
            Kind::Raw(Raw::Map(left, right)) => self.map(*left, *right)?,
            Kind::Raw(Raw::Filter(left, right)) => self.filter(*left, *right, position)?,
            Kind::Raw(Raw::Group(left, pairs)) => self.group(*left, pairs, position)?,
            Kind::Raw(Raw::Sort(left, terms)) => self.sort(*left, terms, position)?,
            Kind::Raw(Raw::Bind(left, right)) => {
                let Kind::Variable(name) = left.kind else { return Err(Error::new("S0212").at(position)) };
                let right = self.process(*right)?;
                let mut result = Node::new(Kind::Null, position);
                push_ancestry(&mut result, &right);
                result.kind = Kind::Bind(name, Box::new(right));
                result
            }
            Kind::Raw(Raw::Focus(left, name)) => self.focus(*left, name, position, keep_array)?,
            Kind::Raw(Raw::Index(left, name)) => self.index(*left, name)?,
            Kind::Raw(Raw::Apply(left, right)) => {
                let (left, right) = (self.process(*left)?, self.process(*right)?);
                let keep_array = left.keep_array || right.keep_array;
                let mut result = Node::new(Kind::Apply(Box::new(left), Box::new(right)), position);
                result.keep_array = keep_array;
                result
            }
            Kind::Raw(Raw::Call { procedure, arguments, partial }) => {
                let mut result = Node::new(Kind::Null, position);
                let arguments = self.all(arguments, &mut result)?;
                let procedure = self.process(*procedure)?;
                let call = Arc::new(Call { procedure, arguments, position });
                result.kind = if partial { Kind::Partial(call) } else { Kind::Call(call) };
                result
            }
            Kind::Raw(Raw::Lambda { params, signature, body }) => {
                let body = tail_call(self.process(*body)?);
                Node::new(Kind::Lambda(Arc::new(Lambda { params, signature, body })), position)
            }
            Kind::Raw(Raw::Transform { pattern, update, delete }) => {
                let pattern = self.process(*pattern)?;
                let update = self.process(*update)?;
                let delete = delete.map(|delete| self.process(*delete)).transpose()?;
                let transform = Transform { pattern, update, delete, position };
                Node::new(Kind::Transform(Arc::new(transform)), position)
            }
            Kind::Raw(Raw::Operator(name)) => self.process(Node::new(Kind::Name(name.into()), position))?,
            Kind::Raw(Raw::End) => return Err(Error::new("S0207").at(position)),
            Kind::Name(_) => {
                raw.kind = kind;
                Node::new(Kind::Path { steps: vec![raw], keep_singleton: keep_array }, position)
            }
            Kind::Parent(_) => {
                let slot = self.slots.len();
                self.slots.push(Slot { label: ANCESTOR | slot as u32, level: 1 });
                Node::new(Kind::Parent(slot), position)
            }
            kind => self.plain(kind, raw)?,
        };
        result.keep_array |= keep_array;
        Ok(result)
    }

    /// Parts that keep their form.
    fn plain(&mut self, kind: Kind, mut raw: Node) -> Outcome<Node> {
        let position = raw.position;
        let mut result = Node::new(Kind::Null, position);
        result.kind = match kind {
            Kind::Binary(operator, left, right) => {
                let (left, right) = (self.process(*left)?, self.process(*right)?);
                push_ancestry(&mut result, &left);
                push_ancestry(&mut result, &right);
                Kind::Binary(operator, Box::new(left), Box::new(right))
            }
            Kind::Negate(operand) => {
                let mut operand = self.process(*operand)?;
                if let Kind::Number(number) = &mut operand.kind {
                    *number = -*number;
                    return Ok(operand);
                }
                push_ancestry(&mut result, &operand);
                Kind::Negate(Box::new(operand))
            }
            Kind::Array(items) => Kind::Array(self.all(items, &mut result)?),
            Kind::Object(pairs) => {
                let mut processed = Vec::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let key = self.process(key)?;
                    push_ancestry(&mut result, &key);
                    let value = self.process(value)?;
                    push_ancestry(&mut result, &value);
                    processed.push((key, value));
                }
                Kind::Object(processed)
            }
            Kind::Block(parts) => {
                let parts = self.all(parts, &mut result)?;
                result.cons_array = parts.iter().any(|part| match &part.kind {
                    Kind::Path { steps, .. } => steps[0].cons_array || part.cons_array,
                    _ => part.cons_array,
                });
                Kind::Block(parts)
            }
            Kind::Condition { condition, then, otherwise } => {
                let condition = self.process(*condition)?;
                push_ancestry(&mut result, &condition);
                let then = self.process(*then)?;
                push_ancestry(&mut result, &then);
                let otherwise = match otherwise {
                    Some(otherwise) => {
                        let otherwise = self.process(*otherwise)?;
                        push_ancestry(&mut result, &otherwise);
                        Some(Box::new(otherwise))
                    }
                    None => None,
                };
                Kind::Condition { condition: Box::new(condition), then: Box::new(then), otherwise }
            }
            kind => {
                raw.kind = kind;
                return Ok(raw);
            }
        };
        Ok(result)
    }

    fn all(&mut self, nodes: Vec<Node>, around: &mut Node) -> Outcome<Vec<Node>> {
        let mut processed = Vec::with_capacity(nodes.len());
        for node in nodes {
            let node = self.process(node)?;
            push_ancestry(around, &node);
            processed.push(node);
        }
        Ok(processed)
    }

    /// `left.right`
    fn map(&mut self, left: Node, right: Node) -> Outcome<Node> {
        let left = self.process(left)?;
        let mut path = match left.kind {
            Kind::Path { .. } => left,
            _ => {
                let seeking = match left.kind {
                    Kind::Parent(slot) => Some(vec![slot]),
                    _ => None,
                };
                let position = left.position;
                let mut path = Node::new(Kind::Path { steps: vec![left], keep_singleton: false }, position);
                if seeking.is_some() {
                    path.more().seeking = seeking;
                }
                path
            }
        };
        let mut rest = self.process(right)?;
        let Kind::Path { steps, keep_singleton } = &mut path.kind else { return Ok(path) };
        match rest.kind {
            Kind::Path { steps: more, .. } => steps.extend(more),
            _ => {
                predicates_to_stages(&mut rest);
                steps.push(rest);
            }
        }
        for step in steps.iter_mut() {
            match &step.kind {
                Kind::Number(_) | Kind::Bool(_) | Kind::Null => {
                    return Err(Error::new("S0213").at(step.position).with_value(&literal(&step.kind)));
                }
                Kind::Text(text) => step.kind = Kind::Name(Arc::clone(text)),
                _ => {}
            }
        }
        *keep_singleton |= steps.iter().any(|step| step.keep_array);
        let last = steps.len() - 1;
        for at in [0, last] {
            if matches!(steps[at].kind, Kind::Array(_)) {
                steps[at].cons_array = true;
            }
        }
        self.resolve_ancestry(&mut path)?;
        Ok(path)
    }

    fn filter(&mut self, left: Node, right: Node, position: usize) -> Outcome<Node> {
        let mut result = self.process(left)?;
        let is_path = matches!(result.kind, Kind::Path { .. });
        if last_step(&mut result).group().is_some() {
            return Err(Error::new("S0209").at(position));
        }
        let predicate = self.process(right)?;
        let step = last_step(&mut result);
        if let Some(slots) = predicate.seeking().cloned() {
            for slot in slots {
                if self.slots[slot].level == 1 {
                    self.seek_parent(step, slot)?;
                } else {
                    self.slots[slot].level -= 1;
                }
            }
            push_ancestry(step, &predicate);
        }
        let more = step.more();
        let stages = if is_path { &mut more.stages } else { &mut more.predicates };
        stages.push(Stage::Filter(predicate));
        Ok(result)
    }

    fn group(&mut self, left: Node, pairs: Vec<(Node, Node)>, position: usize) -> Outcome<Node> {
        let mut result = self.process(left)?;
        if result.group().is_some() {
            return Err(Error::new("S0210").at(position));
        }
        let mut processed = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            processed.push((self.process(key)?, self.process(value)?));
        }
        result.more().group = Some(Box::new(Group { pairs: processed, position }));
        Ok(result)
    }

    fn sort(&mut self, left: Node, terms: Vec<Term>, position: usize) -> Outcome<Node> {
        let mut path = into_path(self.process(left)?);
        let mut step = Node::new(Kind::Null, position);
        let mut processed = Vec::with_capacity(terms.len());
        for term in terms {
            let expression = self.process(term.expression)?;
            push_ancestry(&mut step, &expression);
            processed.push(Term { descending: term.descending, expression });
        }
        step.kind = Kind::Sort(processed);
        if let Kind::Path { steps, .. } = &mut path.kind {
            steps.push(step);
        }
        self.resolve_ancestry(&mut path)?;
        Ok(path)
    }

    fn focus(&mut self, left: Node, name: u32, position: usize, keep_array: bool) -> Outcome<Node> {
        let mut result = self.process(left)?;
        let step = last_step(&mut result);
        if !step.stages().is_empty() || !step.predicates().is_empty() {
            return Err(Error::new("S0215").at(position));
        }
        if matches!(step.kind, Kind::Sort(_)) {
            return Err(Error::new("S0216").at(position));
        }
        step.keep_array |= keep_array;
        step.more().focus = Some(name);
        step.tuple = true;
        Ok(result)
    }

    fn index(&mut self, left: Node, name: u32) -> Outcome<Node> {
        let mut result = self.process(left)?;
        if !matches!(result.kind, Kind::Path { .. }) {
            predicates_to_stages(&mut result);
            result = into_path(result);
        }
        let step = last_step(&mut result);
        let more = step.more();
        if more.stages.is_empty() {
            more.index = Some(name);
        } else {
            more.stages.push(Stage::Index(name));
        }
        step.tuple = true;
        Ok(result)
    }

    /// Marks the step that a `%` means, which begins to look at this one.
    fn seek_parent(&mut self, node: &mut Node, slot: usize) -> Outcome<()> {
        match &mut node.kind {
            Kind::Name(_) | Kind::Wildcard => {
                self.slots[slot].level -= 1;
                if self.slots[slot].level == 0 {
                    if let Some(known) = node.ancestor() {
                        self.slots[slot].label = self.slots[known].label;
                    }
                    node.more().ancestor = Some(slot);
                    node.tuple = true;
                }
            }
            Kind::Parent(_) => self.slots[slot].level += 1,
            Kind::Block(parts) => {
                if let Some(last) = parts.last_mut() {
                    node.tuple = true;
                    self.seek_parent(last, slot)?;
                }
            }
            Kind::Path { steps, .. } => {
                node.tuple = true;
                let mut steps = steps.iter_mut().rev();
                if let Some(last) = steps.next() {
                    self.seek_parent(last, slot)?;
                }
                while self.slots[slot].level > 0 {
                    let Some(step) = steps.next() else { break };
                    self.seek_parent(step, slot)?;
                }
            }
            _ => return Err(Error::new("S0217").at(node.position)),
        }
        Ok(())
    }

    fn resolve_ancestry(&mut self, path: &mut Node) -> Outcome<()> {
        let Kind::Path { steps, .. } = &mut path.kind else { return Ok(()) };
        let Some(last) = steps.last() else { return Ok(()) };
        let mut slots = last.seeking().cloned().unwrap_or_default();
        if let Kind::Parent(slot) = last.kind {
            slots.push(slot);
        }
        let mut outer = Vec::new();
        for slot in slots {
            let mut index = steps.len().checked_sub(2);
            while self.slots[slot].level > 0 {
                let Some(mut at) = index else {
                    outer.push(slot);
                    break;
                };
                // A step that binds its values stays where it is, and so do those before it.
                while at > 0 && steps[at].focus().is_some() && steps[at - 1].focus().is_some() {
                    at -= 1;
                }
                index = at.checked_sub(1);
                self.seek_parent(&mut steps[at], slot)?;
            }
        }
        if !outer.is_empty() {
            path.more().seeking.get_or_insert_default().append(&mut outer);
        }
        Ok(())
    }
}

fn predicates_to_stages(node: &mut Node) {
    if !node.predicates().is_empty() {
        let more = node.more();
        more.stages.append(&mut more.predicates);
    }
}

fn literal(kind: &Kind) -> Value {
    match kind {
        Kind::Number(number) => Value::Number(*number),
        Kind::Bool(value) => Value::Bool(*value),
        _ => Value::Null,
    }
}

fn into_path(node: Node) -> Node {
    if matches!(node.kind, Kind::Path { .. }) {
        return node;
    }
    let position = node.position;
    Node::new(Kind::Path { steps: vec![node], keep_singleton: false }, position)
}

/// The last step of a path, or what is no path.
fn last_step(node: &mut Node) -> &mut Node {
    match node {
        // No path is without a step.
        Node { kind: Kind::Path { steps, .. }, .. } => {
            let last = steps.len() - 1;
            &mut steps[last]
        }
        other => other,
    }
}

fn push_ancestry(around: &mut Node, part: &Node) {
    let parent = match part.kind {
        Kind::Parent(slot) => Some(slot),
        _ => None,
    };
    if part.seeking().is_some() || parent.is_some() {
        let seeking = around.more().seeking.get_or_insert_default();
        seeking.extend(part.seeking().into_iter().flatten().copied());
        seeking.extend(parent);
    }
}

/// A call at the end of a body is left to the caller.
fn tail_call(mut node: Node) -> Node {
    let is_filtered = !node.predicates().is_empty();
    match std::mem::replace(&mut node.kind, Kind::Null) {
        Kind::Call(call) if !is_filtered => {
            return Node::new(Kind::TailCall(call), node.position);
        }
        Kind::Condition { condition, then, otherwise } => {
            let then = Box::new(tail_call(*then));
            let otherwise = otherwise.map(|otherwise| Box::new(tail_call(*otherwise)));
            node.kind = Kind::Condition { condition, then, otherwise };
        }
        Kind::Block(mut parts) => {
            if let Some(last) = parts.pop() {
                parts.push(tail_call(last));
            }
            node.kind = Kind::Block(parts);
        }
        other => node.kind = other,
    }
    node
}
