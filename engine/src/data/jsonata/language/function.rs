//! [`Function`]: functions as values; and [`Frame`], the variables around them.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use super::ast::{Call, Lambda, Transform};
use super::functions::Builtin;
use super::regex::Regex;
use super::value::Value;
use super::{HostFunction, signature::Signature};

/// A function.
pub(crate) enum Function {
    Builtin(&'static Builtin),
    Host(&'static HostFunction),
    Lambda(Closure),
    /// A call at the end of a lambda, which its caller makes instead.
    TailCall {
        call: Arc<Call>,
        input: Value,
        frame: Rc<Frame>,
    },
    /// A function of the language or its host with some of its arguments.
    Partial {
        function: Value,
        bound: Vec<Option<Value>>,
    },
    Transform {
        transform: Arc<Transform>,
        frame: Rc<Frame>,
    },
    Pattern(Arc<Regex>),
    /// What a match of a pattern has under `next`.
    NextMatch(NextMatch),
    /// A function as an argument: it does not see the context of its caller.
    Wrapped {
        function: Value,
        arity: usize,
    },
}

/// A lambda with the variables around it.
pub(crate) struct Closure {
    pub(super) lambda: Arc<Lambda>,
    /// The parameters that are still open, after a partial application.
    pub(super) params: Vec<u32>,
    pub(super) signature: Option<Arc<Signature>>,
    pub(super) input: Value,
    pub(super) frame: Rc<Frame>,
    /// The name by which it was called last.
    pub(super) token: Cell<Option<u32>>,
}

/// Where the search for the next match continues.
pub(crate) struct NextMatch {
    pub(super) regex: Arc<Regex>,
    pub(super) text: Arc<str>,
    /// In bytes.
    pub(super) from: usize,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("function")
    }
}

impl Function {
    /// How deep values are nested in what the function sees.
    pub(super) fn level(&self) -> usize {
        match self {
            Function::Builtin(_) | Function::Host(_) | Function::Pattern(_) | Function::NextMatch(_) => 0,
            Function::Lambda(closure) => 1 + closure.frame.level().max(closure.input.level()),
            Function::TailCall { frame, input, .. } => 1 + frame.level().max(input.level()),
            Function::Transform { frame, .. } => 1 + frame.level(),
            Function::Wrapped { function, .. } => 1 + function.level(),
            Function::Partial { function, bound } => {
                let bound = bound.iter().flatten().map(Value::level).max().unwrap_or(0);
                1 + bound.max(function.level())
            }
        }
    }
}

/// Variables, and the frame around them.
pub(crate) struct Frame {
    bound: RefCell<Vec<(u32, Value)>>,
    parent: Option<Rc<Frame>>,
    level: Cell<usize>,
}

impl Frame {
    pub(super) fn new(parent: Option<Rc<Frame>>) -> Frame {
        let level = parent.as_ref().map_or(0, |parent| parent.level() + 1);
        Frame { bound: RefCell::default(), parent, level: Cell::new(level) }
    }

    pub(super) fn level(&self) -> usize {
        self.level.get()
    }

    pub(super) fn bind(&self, name: u32, value: Value) {
        self.level.set(self.level.get().max(value.level() + 1));
        let mut bound = self.bound.borrow_mut();
        match bound.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => bound.push((name, value)),
        }
    }

    /// The value of a variable, if it is bound here or around.
    pub(super) fn lookup(&self, name: u32) -> Option<Value> {
        let mut frame = self;
        loop {
            let bound = frame.bound.borrow();
            if let Some((_, value)) = bound.iter().find(|(known, _)| *known == name) {
                return Some(value.clone());
            }
            drop(bound);
            frame = frame.parent.as_deref()?;
        }
    }

    /// Gives up what is bound, so that a function bound here does not keep its frame, and so itself, for ever.
    pub(super) fn clear(&self) -> Vec<(u32, Value)> {
        self.bound.take()
    }
}
