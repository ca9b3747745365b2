//! Calls: of functions of the language, of lambdas, of chains of them.

use std::rc::Rc;

use super::ast::{Call, Kind, Node};
use super::error::{Error, Outcome};
use super::evaluate::Evaluator;
use super::function::{Closure, Frame, Function};
use super::functions::{Builtin, regexes};
use super::value::Value;

impl Evaluator<'_> {
    /// `procedure(arguments)`, with a first argument that `~>` brings.
    pub(super) fn call(
        &mut self,
        call: &Call,
        first: Option<Value>,
        input: &Value,
        frame: &Rc<Frame>,
    ) -> Outcome<Value> {
        let procedure = self.evaluate(&call.procedure, input, frame)?;
        let (name, is_path) = self.procedure_name(&call.procedure);
        if procedure.is_undefined() && is_path && !self.named(&name, frame).is_undefined() {
            return Err(Error::new("T1005").at(call.position).with_token(&name));
        }
        let mut args = Vec::with_capacity(call.arguments.len() + 1);
        args.extend(first);
        for argument in &call.arguments {
            let value = self.evaluate(argument, input, frame)?;
            args.push(match &value {
                Value::Function(function) => {
                    let arity = self.arity(function);
                    Value::Function(Rc::new(Function::Wrapped { function: value, arity }))
                }
                _ => value,
            });
        }
        let name = (!name.is_empty()).then_some(name);
        if let (Value::Function(function), Some(name)) = (&procedure, &name) {
            self.note_token(function, name);
        }
        self.apply(&procedure, args, input).map_err(|error| error.or_token(name.as_deref()))
    }

    /// The name that a function is called by, and whether it is a name without `$`.
    fn procedure_name(&self, procedure: &Node) -> (String, bool) {
        match &procedure.kind {
            Kind::Path { steps, .. } => match &steps[0].kind {
                Kind::Name(name) => (name.to_string(), true),
                Kind::Variable(name) => (self.program.name(*name).to_owned(), true),
                _ => (String::new(), true),
            },
            Kind::Variable(name) => (self.program.name(*name).to_owned(), false),
            _ => (String::new(), false),
        }
    }

    /// A function remembers the name by which it was called last, for its messages.
    fn note_token(&mut self, function: &Rc<Function>, name: &str) {
        let Some(number) = self.program.names.iter().position(|known| &**known == name) else { return };
        match &**function {
            Function::Lambda(closure) => closure.token.set(Some(number as u32)),
            Function::Builtin(Builtin { name: builtin, .. }) => {
                match self.tokens.iter_mut().find(|(known, _)| known == builtin) {
                    Some((_, token)) => *token = number as u32,
                    None => self.tokens.push((builtin, number as u32)),
                }
            }
            _ => {}
        }
    }

    fn token(&self, function: &Function) -> Option<&str> {
        let number = match function {
            Function::Lambda(closure) => closure.token.get(),
            Function::Builtin(builtin) => {
                let noted = self.tokens.iter().find(|(known, _)| *known == builtin.name);
                return Some(noted.map_or(builtin.name, |(_, token)| self.program.name(*token)));
            }
            Function::Host(function) => return Some(function.name),
            _ => None,
        };
        number.map(|number| self.program.name(number))
    }

    /// How many arguments a function takes.
    pub(super) fn arity(&self, function: &Function) -> usize {
        match function {
            Function::Builtin(builtin) => builtin.arity(),
            Function::Host(function) => function.arity,
            Function::Lambda(closure) => closure.params.len(),
            Function::Partial { bound, .. } => bound.iter().filter(|value| value.is_none()).count(),
            Function::Transform { .. } => 1,
            Function::Pattern(_) => 2,
            Function::TailCall { .. } | Function::NextMatch(_) => 0,
            Function::Wrapped { arity, .. } => *arity,
        }
    }

    /// Calls a function from inside another. The reference implementation makes functions callable where they are
    /// arguments of a call, and not where they are those of a call in tail position or of a partial application.
    pub(super) fn apply_argument(&mut self, function: &Value, args: Vec<Value>) -> Outcome<Value> {
        if let Value::Function(inner) = function
            && matches!(**inner, Function::Builtin(_) | Function::Transform { .. })
        {
            return Err(Error::uncoded("func.apply is not a function"));
        }
        self.apply(function, args, &Value::Null)
    }

    /// Calls a function, and what it leaves to its caller.
    pub(super) fn apply(&mut self, function: &Value, args: Vec<Value>, context: &Value) -> Outcome<Value> {
        self.meter.call()?;
        let mut result = self.apply_once(function, args, context)?;
        while let Value::Function(left) = &result
            && let Function::TailCall { call, input, frame } = &**left
        {
            let next = self.evaluate(&call.procedure, input, frame)?;
            if let (Value::Function(next), Kind::Variable(name)) = (&next, &call.procedure.kind) {
                let name = self.program.name(*name).to_owned();
                self.note_token(next, &name);
            }
            let mut args = Vec::with_capacity(call.arguments.len());
            for argument in &call.arguments {
                args.push(self.evaluate(argument, input, frame)?);
            }
            result = self.apply_once(&next, args, context)?;
        }
        self.meter.returned();
        Ok(result)
    }

    fn apply_once(&mut self, value: &Value, args: Vec<Value>, context: &Value) -> Outcome<Value> {
        self.meter.step()?;
        let Value::Function(function) = value else { return Err(Error::new("T1006")) };
        let result = match &**function {
            Function::Lambda(closure) => self.apply_closure(closure, args, context),
            Function::Builtin(builtin) => match builtin.signature().validate(&args, context, &mut self.meter)
            {
                Ok(args) => (builtin.run)(self, &args),
                Err(error) => Err(error),
            },
            Function::Host(function) => (function.run)(self.host, &args, &mut self.meter),
            Function::Partial { function, bound } => self.apply_partial(function, bound, args),
            Function::Transform { transform, frame } => {
                let signature = Builtin::transform_signature();
                match signature.validate(&args, context, &mut self.meter) {
                    Ok(args) => self.transform(transform, args.first().unwrap_or(&Value::Undefined), frame),
                    Err(error) => Err(error),
                }
            }
            Function::Pattern(regex) => regexes::call(self, regex, &args),
            Function::NextMatch(next) => regexes::call_next(self, next),
            Function::Wrapped { function, .. } => return self.apply(function, args, &Value::Null),
            Function::TailCall { .. } => Err(Error::new("T1006")),
        };
        result.map_err(|error| {
            let token = self.token(function);
            error.or_token(token)
        })
    }

    fn apply_closure(&mut self, closure: &Closure, args: Vec<Value>, context: &Value) -> Outcome<Value> {
        let args = match &closure.signature {
            Some(signature) => signature.validate(&args, context, &mut self.meter)?,
            None => args,
        };
        let frame = self.frame(&closure.frame)?;
        let mut args = args.into_iter();
        for param in &closure.params {
            frame.bind(*param, args.next().unwrap_or_default());
        }
        super::value::check_level(frame.level())?;
        self.evaluate(&closure.lambda.body, &closure.input, &frame)
    }

    fn apply_partial(
        &mut self,
        function: &Value,
        bound: &[Option<Value>],
        args: Vec<Value>,
    ) -> Outcome<Value> {
        let mut open = args.into_iter();
        let args: Vec<Value> = bound
            .iter()
            .map(|value| value.clone().unwrap_or_else(|| open.next().unwrap_or_default()))
            .collect();
        self.meter.steps(args.len())?;
        match function {
            // The function takes the arguments as they are: its signature is not asked.
            Value::Function(inner) => match &**inner {
                Function::Builtin(builtin) => (builtin.run)(self, &args),
                Function::Host(function) => (function.run)(self.host, &args, &mut self.meter),
                Function::Transform { transform, frame } => {
                    self.transform(transform, args.first().unwrap_or(&Value::Undefined), frame)
                }
                _ => self.apply(function, args, &Value::Undefined),
            },
            _ => Err(Error::new("T1006")),
        }
    }

    /// `procedure(?, argument)`
    pub(super) fn partial(&mut self, call: &Call, input: &Value, frame: &Rc<Frame>) -> Outcome<Value> {
        let mut args = Vec::with_capacity(call.arguments.len());
        for argument in &call.arguments {
            args.push(match argument.kind {
                Kind::Placeholder => None,
                _ => Some(self.evaluate(argument, input, frame)?),
            });
        }
        let procedure = self.evaluate(&call.procedure, input, frame)?;
        let (name, is_path) = self.procedure_name(&call.procedure);
        if procedure.is_undefined() && is_path && !self.named(&name, frame).is_undefined() {
            return Err(Error::new("T1007").at(call.position).with_token(&name));
        }
        let Value::Function(function) = &procedure else {
            return Err(Error::new("T1008").at(call.position).with_token(&name));
        };
        let partial = match &**function {
            Function::Lambda(closure) => {
                let around = self.frame(&closure.frame)?;
                let mut open = Vec::new();
                let mut args = args.into_iter();
                for param in &closure.params {
                    match args.next() {
                        Some(None) => open.push(*param),
                        Some(Some(value)) => around.bind(*param, value),
                        None => around.bind(*param, Value::Undefined),
                    }
                }
                Function::Lambda(Closure {
                    lambda: std::sync::Arc::clone(&closure.lambda),
                    params: open,
                    signature: None,
                    input: closure.input.clone(),
                    frame: around,
                    token: None.into(),
                })
            }
            // The reference implementation reads the parameters from the text of the function; that of a function
            // which came as an argument has none that it could read.
            Function::Wrapped { .. } => {
                let error = Error::new("S0202").with_token("..").with_value_text(")");
                return Err(error.or_token(Some(&name)));
            }
            Function::Builtin(builtin) if builtin.has_default() => {
                return Err(Error::new("S0208").with_value(&Value::Number(2.0)));
            }
            _ => {
                let count = match &**function {
                    Function::Builtin(builtin) => builtin.parameters,
                    other => self.arity(other),
                };
                let mut bound: Vec<Option<Value>> = args.into_iter().take(count).collect();
                bound.resize(count, Some(Value::Undefined));
                let level = bound.iter().flatten().map(Value::level).max().unwrap_or(0);
                super::value::check_level(level + 1)?;
                Function::Partial { function: procedure.clone(), bound }
            }
        };
        Ok(Value::Function(Rc::new(partial)))
    }

    /// `left ~> right`
    pub(super) fn apply_chain(
        &mut self,
        node: &Node,
        left: &Node,
        right: &Node,
        input: &Value,
        frame: &Rc<Frame>,
    ) -> Outcome<Value> {
        let left = self.evaluate(left, input, frame)?;
        if let Kind::Call(call) = &right.kind {
            // It is not evaluated as a part of its own, and its predicates are not asked.
            return self.call(call, Some(left), input, frame);
        }
        let function = self.evaluate(right, input, frame)?;
        if !function.is_function() {
            return Err(Error::new("T2006").at(node.position));
        }
        match &self.program.chain {
            Some(chain) if left.is_function() => {
                let chain = self.evaluate(chain, &Value::Null, frame)?;
                self.apply(&chain, vec![left, function], &Value::Null)
            }
            _ => self.apply(&function, vec![left], &Value::Null),
        }
    }
}
