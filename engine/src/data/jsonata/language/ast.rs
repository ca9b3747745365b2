//! An expression, parsed.

use std::sync::Arc;

use super::regex::Regex;
use super::signature::Signature;

/// A part of an expression.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) kind: Kind,
    /// The position in the text, in characters.
    pub(crate) position: usize,
    more: Option<Box<More>>,
    /// `[]` follows.
    pub(crate) keep_array: bool,
    /// It makes an array that paths do not flatten.
    pub(crate) cons_array: bool,
    /// It carries bindings along.
    pub(crate) tuple: bool,
    /// How deep parts are nested in it.
    pub(super) height: u16,
}

/// What few parts have.
#[derive(Debug, Default)]
pub(super) struct More {
    /// `[…]` after what is no step of a path.
    pub(super) predicates: Vec<Stage>,
    /// `[…]` and `#$i` after a step of a path.
    pub(super) stages: Vec<Stage>,
    pub(super) group: Option<Box<Group>>,
    /// `@$name`
    pub(super) focus: Option<u32>,
    /// `#$name`
    pub(super) index: Option<u32>,
    /// The slot of the `%` that means what this step was taken from.
    pub(super) ancestor: Option<usize>,
    /// The slots of `%` in it whose step is further left, while the expression is parsed.
    pub(super) seeking: Option<Vec<usize>>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Name(Arc<str>),
    Text(Arc<str>),
    Number(f64),
    Bool(bool),
    Null,
    Variable(u32),
    Wildcard,
    Descendant,
    Parent(usize),
    Regex(Arc<Regex>),
    Path {
        steps: Vec<Node>,
        keep_singleton: bool,
    },
    Sort(Vec<Term>),
    /// An operator between two operands.
    Binary(Operator, Box<Node>, Box<Node>),
    Negate(Box<Node>),
    Array(Vec<Node>),
    Object(Vec<(Node, Node)>),
    Block(Vec<Node>),
    Condition {
        condition: Box<Node>,
        then: Box<Node>,
        otherwise: Option<Box<Node>>,
    },
    Bind(u32, Box<Node>),
    Apply(Box<Node>, Box<Node>),
    Call(Arc<Call>),
    Partial(Arc<Call>),
    /// `?` among the arguments of a partial application.
    Placeholder,
    Lambda(Arc<Lambda>),
    /// A call in tail position.
    TailCall(Arc<Call>),
    Transform(Arc<Transform>),
    /// A raw form that the parser has not put into its final one yet.
    Raw(Raw),
}

/// What the parser makes first.
#[derive(Debug)]
pub(crate) enum Raw {
    /// `.`, `[`, `{`, `^`, `:=`, `@`, `#`, `~>`
    Map(Box<Node>, Box<Node>),
    Filter(Box<Node>, Box<Node>),
    Group(Box<Node>, Vec<(Node, Node)>),
    Sort(Box<Node>, Vec<Term>),
    Bind(Box<Node>, Box<Node>),
    Focus(Box<Node>, u32),
    Index(Box<Node>, u32),
    Apply(Box<Node>, Box<Node>),
    Call {
        procedure: Box<Node>,
        arguments: Vec<Node>,
        partial: bool,
    },
    Lambda {
        params: Vec<u32>,
        signature: Option<Arc<Signature>>,
        body: Box<Node>,
    },
    Transform {
        pattern: Box<Node>,
        update: Box<Node>,
        delete: Option<Box<Node>>,
    },
    /// An operator where an operand is asked for.
    Operator(String),
    End,
}

/// Operators with two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Concatenate,
    And,
    Or,
    In,
    Range,
}

/// The sign of each operator.
const SIGNS: [(&str, Operator); 16] = [
    ("+", Operator::Add),
    ("-", Operator::Subtract),
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
    ("%", Operator::Modulo),
    ("=", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<", Operator::Less),
    ("<=", Operator::LessOrEqual),
    (">", Operator::Greater),
    (">=", Operator::GreaterOrEqual),
    ("&", Operator::Concatenate),
    ("and", Operator::And),
    ("or", Operator::Or),
    ("in", Operator::In),
    ("..", Operator::Range),
];

impl Operator {
    pub(crate) fn sign(self) -> &'static str {
        let sign = SIGNS.iter().find(|(_, operator)| *operator == self);
        sign.expect("the parser makes operators from this table").0
    }

    pub(super) fn of(sign: &str) -> Option<Operator> {
        SIGNS.iter().find(|(other, _)| *other == sign).map(|(_, operator)| *operator)
    }
}

/// What is done with the values of a step.
#[derive(Debug)]
pub(crate) enum Stage {
    Filter(Node),
    Index(u32),
}

/// `{…}` after an expression.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) pairs: Vec<(Node, Node)>,
    pub(crate) position: usize,
}

/// One term of `^(…)`.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) descending: bool,
    pub(crate) expression: Node,
}

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) procedure: Node,
    pub(crate) arguments: Vec<Node>,
    pub(crate) position: usize,
}

#[derive(Debug)]
pub(crate) struct Lambda {
    pub(crate) params: Vec<u32>,
    pub(super) signature: Option<Arc<Signature>>,
    pub(crate) body: Node,
}

#[derive(Debug)]
pub(crate) struct Transform {
    pub(crate) pattern: Node,
    pub(crate) update: Node,
    pub(crate) delete: Option<Node>,
    pub(crate) position: usize,
}

/// Whether a part is evaluated over the same input as the one around it, or over a value that that one gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Same,
    Value,
}

impl Node {
    /// Calls `act` with each part of this one.
    pub(crate) fn for_each_part<'a>(&'a self, act: &mut dyn FnMut(&'a Node, Input)) {
        match &self.kind {
            Kind::Path { steps, .. } => {
                let inputs = [Input::Same].into_iter().chain(std::iter::repeat(Input::Value));
                steps.iter().zip(inputs).for_each(|(step, input)| act(step, input));
            }
            Kind::Sort(terms) => terms.iter().for_each(|term| act(&term.expression, Input::Value)),
            Kind::Binary(_, left, right) | Kind::Apply(left, right) => {
                act(left, Input::Same);
                act(right, Input::Same);
            }
            Kind::Negate(inner) | Kind::Bind(_, inner) => act(inner, Input::Same),
            Kind::Array(items) | Kind::Block(items) => items.iter().for_each(|item| act(item, Input::Same)),
            Kind::Object(pairs) => for_each_pair(pairs, Input::Same, act),
            Kind::Condition { condition, then, otherwise } => {
                act(condition, Input::Same);
                act(then, Input::Same);
                otherwise.iter().for_each(|part| act(part, Input::Same));
            }
            Kind::Call(call) | Kind::Partial(call) | Kind::TailCall(call) => {
                act(&call.procedure, Input::Same);
                call.arguments.iter().for_each(|argument| act(argument, Input::Same));
            }
            Kind::Lambda(lambda) => act(&lambda.body, Input::Same),
            Kind::Transform(transform) => {
                act(&transform.pattern, Input::Value);
                act(&transform.update, Input::Value);
                transform.delete.iter().for_each(|part| act(part, Input::Value));
            }
            Kind::Name(_)
            | Kind::Text(_)
            | Kind::Number(_)
            | Kind::Bool(_)
            | Kind::Null
            | Kind::Variable(_)
            | Kind::Wildcard
            | Kind::Descendant
            | Kind::Parent(_)
            | Kind::Regex(_)
            | Kind::Placeholder
            | Kind::Raw(_) => {}
        }
        for stage in self.predicates().iter().chain(self.stages()) {
            if let Stage::Filter(predicate) = stage {
                act(predicate, Input::Value);
            }
        }
        if let Some(group) = self.group() {
            for_each_pair(&group.pairs, Input::Value, act);
        }
    }

    /// Whether nothing follows it: no predicate, no group, no binding.
    pub(crate) fn is_plain(&self) -> bool {
        self.more.is_none() && !self.tuple && !self.keep_array
    }

    /// `[…]` after what is no step of a path.
    pub(crate) fn predicates(&self) -> &[Stage] {
        self.more.as_ref().map_or(&[], |more| &more.predicates)
    }

    /// `[…]` and `#$i` after a step of a path.
    pub(crate) fn stages(&self) -> &[Stage] {
        self.more.as_ref().map_or(&[], |more| &more.stages)
    }

    pub(crate) fn group(&self) -> Option<&Group> {
        self.more.as_ref()?.group.as_deref()
    }

    /// `@$name`
    pub(crate) fn focus(&self) -> Option<u32> {
        self.more.as_ref()?.focus
    }

    /// `#$name`
    pub(crate) fn index(&self) -> Option<u32> {
        self.more.as_ref()?.index
    }

    pub(super) fn ancestor(&self) -> Option<usize> {
        self.more.as_ref()?.ancestor
    }

    pub(super) fn seeking(&self) -> Option<&Vec<usize>> {
        self.more.as_ref()?.seeking.as_ref()
    }

    pub(super) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    pub(super) fn new(kind: Kind, position: usize) -> Node {
        Node { kind, position, more: None, keep_array: false, cons_array: false, tuple: false, height: 0 }
    }
}

fn for_each_pair<'a>(pairs: &'a [(Node, Node)], input: Input, act: &mut dyn FnMut(&'a Node, Input)) {
    for (key, value) in pairs {
        act(key, input);
        act(value, input);
    }
}
