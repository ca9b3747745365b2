//! The parser: top-down operator precedence, as in the reference implementation.

use std::collections::HashMap;
use std::sync::Arc;

use super::Program;
use super::ast::{Kind, Node, Operator, Raw, Term};
use super::error::{Error, Outcome};
use super::process::Processor;
use super::signature::Signature;
use super::token::{Expect, Lexer, Token, TokenKind};

/// How deep brackets may be nested; evaluation would end long before.
const MAX_NESTING: usize = 250;

/// How deep parts may be nested, in a sum of many terms for example. Deeper ones are read and not kept.
const MAX_HEIGHT: u16 = 250;

/// The composition of two functions.
const CHAIN: &str = "function($f, $g) { function($x){ $g($f($x)) } }";

/// The names in an expression, numbered.
#[derive(Debug, Default)]
pub(super) struct Names {
    numbers: HashMap<Arc<str>, u32>,
    names: Vec<Arc<str>>,
}

impl Names {
    pub(super) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let (name, number): (Arc<str>, _) = (name.into(), self.names.len() as u32);
        self.numbers.insert(Arc::clone(&name), number);
        self.names.push(name);
        number
    }
}

/// Reads an expression.
pub(super) fn parse(text: &str) -> Outcome<Program> {
    let mut names = Names::default();
    let (mut root, slots, is_too_deep) = parse_with(text, &mut names)?;
    let chain = if text.contains("~>") { Some(parse_with(CHAIN, &mut names)?.0) } else { None };
    if is_too_deep {
        root = Node::new(Kind::Null, 0);
    }
    Ok(Program { root, chain, names: names.names, slots, is_too_deep })
}

fn parse_with(text: &str, names: &mut Names) -> Outcome<(Node, Vec<u32>, bool)> {
    let mut parser = Parser {
        lexer: Lexer::new(text),
        token: Token { kind: TokenKind::End, position: 0 },
        names,
        nesting: 0,
        is_too_deep: false,
    };
    parser.token = parser.lexer.next(Expect::Operand)?;
    let raw = parser.expression(0)?;
    if !parser.token.is_end() {
        return Err(Error::new("S0201").at(parser.token.position).with_token_json(parser.token.json()));
    }
    let is_too_deep = parser.is_too_deep;
    let (root, slots) = Processor::default().finish(raw)?;
    Ok((root, slots, is_too_deep))
}

struct Parser<'a> {
    lexer: Lexer,
    token: Token,
    names: &'a mut Names,
    nesting: usize,
    is_too_deep: bool,
}

/// How strongly an operator binds what is left of it.
fn binding_power(sign: &str) -> u32 {
    match sign {
        "[" | "(" | "@" | "#" => 80,
        "." => 75,
        "{" => 70,
        "*" | "/" | "%" => 60,
        "+" | "-" | "&" => 50,
        "=" | "<" | ">" | "^" | "!=" | "<=" | ">=" | "~>" | "in" => 40,
        "and" => 30,
        "or" => 25,
        "?" => 20,
        ":=" => 10,
        _ => 0,
    }
}

impl Parser<'_> {
    /// Goes on to the next token, after an operand or after an operator.
    fn step(&mut self, expect: Expect) -> Outcome<()> {
        self.token = self.lexer.next(expect)?;
        if matches!(self.token.sign(), "!" | "~") {
            let token = self.token.json();
            return Err(Error::new("S0204").at(self.token.position).with_token_json(token));
        }
        Ok(())
    }

    /// Goes on behind a sign, which has to be there.
    fn advance(&mut self, sign: &str, expect: Expect) -> Outcome<()> {
        if self.token.sign() != sign {
            let code = if self.token.is_end() { "S0203" } else { "S0202" };
            let error = Error::new(code).at(self.token.position).with_token_json(self.token.json());
            return Err(error.with_value_text(sign));
        }
        self.step(expect)
    }

    /// A node over others. What is nested too deep is given up.
    fn node(&mut self, kind: Kind, position: usize, height: u16) -> Node {
        if height > MAX_HEIGHT {
            self.is_too_deep = true;
            return Node::new(Kind::Null, position);
        }
        let mut node = Node::new(kind, position);
        node.height = height + 1;
        node
    }

    fn expression(&mut self, right: u32) -> Outcome<Node> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(Error::stack());
        }
        let token = self.token.clone();
        self.step(Expect::Operator)?;
        let mut left = self.prefix(token)?;
        while right < binding_power(self.token.sign()) {
            let token = self.token.clone();
            self.step(Expect::Operand)?;
            left = self.infix(token, left)?;
        }
        self.nesting -= 1;
        Ok(left)
    }

    /// A token that begins an expression.
    fn prefix(&mut self, token: Token) -> Outcome<Node> {
        let position = token.position;
        let kind = match &token.kind {
            TokenKind::End => Kind::Raw(Raw::End),
            TokenKind::Name(name) => Kind::Name(name.as_str().into()),
            TokenKind::Variable(name) => Kind::Variable(self.names.number(name)),
            TokenKind::Text(text) => Kind::Text(Arc::clone(text)),
            TokenKind::Number(number) => Kind::Number(*number),
            TokenKind::Bool(value) => Kind::Bool(*value),
            TokenKind::Null => Kind::Null,
            TokenKind::Regex(regex) => Kind::Regex(Arc::clone(regex)),
            TokenKind::Operator(sign) => match sign.as_str() {
                "and" | "or" | "in" => Kind::Raw(Raw::Operator(sign.clone())),
                "*" => Kind::Wildcard,
                "**" => Kind::Descendant,
                "%" => Kind::Parent(usize::MAX),
                "-" => {
                    let operand = self.expression(70)?;
                    let height = operand.height;
                    return Ok(self.node(Kind::Negate(Box::new(operand)), position, height));
                }
                "(" => return self.block(position),
                "[" => return self.array(position),
                "{" => {
                    let (pairs, height) = self.pairs()?;
                    return Ok(self.node(Kind::Object(pairs), position, height));
                }
                "|" => return self.transform(position),
                _ => return Err(Error::new("S0211").at(position).with_token_json(token.json())),
            },
        };
        Ok(Node::new(kind, position))
    }

    fn block(&mut self, position: usize) -> Outcome<Node> {
        let mut parts = Vec::new();
        while self.token.sign() != ")" {
            parts.push(self.expression(0)?);
            if self.token.sign() != ";" {
                break;
            }
            self.advance(";", Expect::Operand)?;
        }
        self.advance(")", Expect::Operator)?;
        let height = highest(&parts);
        Ok(self.node(Kind::Block(parts), position, height))
    }

    fn array(&mut self, position: usize) -> Outcome<Node> {
        let mut items = Vec::new();
        if self.token.sign() != "]" {
            loop {
                let mut item = self.expression(0)?;
                if self.token.sign() == ".." {
                    let at = self.token.position;
                    self.advance("..", Expect::Operand)?;
                    let end = self.expression(0)?;
                    let height = item.height.max(end.height);
                    item =
                        self.node(Kind::Binary(Operator::Range, Box::new(item), Box::new(end)), at, height);
                }
                items.push(item);
                if self.token.sign() != "," {
                    break;
                }
                self.advance(",", Expect::Operand)?;
            }
        }
        self.advance("]", Expect::Operator)?;
        let height = highest(&items);
        Ok(self.node(Kind::Array(items), position, height))
    }

    fn pairs(&mut self) -> Outcome<(Vec<(Node, Node)>, u16)> {
        let mut pairs = Vec::new();
        let mut height = 0;
        if self.token.sign() != "}" {
            loop {
                let key = self.expression(0)?;
                self.advance(":", Expect::Operand)?;
                let value = self.expression(0)?;
                height = height.max(key.height).max(value.height);
                pairs.push((key, value));
                if self.token.sign() != "," {
                    break;
                }
                self.advance(",", Expect::Operand)?;
            }
        }
        self.advance("}", Expect::Operator)?;
        Ok((pairs, height))
    }

    fn transform(&mut self, position: usize) -> Outcome<Node> {
        let pattern = Box::new(self.expression(0)?);
        self.advance("|", Expect::Operand)?;
        let update = Box::new(self.expression(0)?);
        let mut height = pattern.height.max(update.height);
        let mut delete = None;
        if self.token.sign() == "," {
            self.advance(",", Expect::Operand)?;
            let part = self.expression(0)?;
            height = height.max(part.height);
            delete = Some(Box::new(part));
        }
        self.advance("|", Expect::Operand)?;
        Ok(self.node(Kind::Raw(Raw::Transform { pattern, update, delete }), position, height))
    }

    /// An operator behind an operand.
    fn infix(&mut self, token: Token, mut left: Node) -> Outcome<Node> {
        let position = token.position;
        let sign = token.sign();
        match sign {
            "(" => return self.call(position, left),
            "[" if self.token.sign() == "]" => {
                innermost(&mut left).keep_array = true;
                self.advance("]", Expect::Operand)?;
                return Ok(left);
            }
            "^" => return self.sort(position, left),
            "?" => return self.condition(position, left),
            "{" => {
                let (pairs, height) = self.pairs()?;
                let height = height.max(left.height);
                return Ok(self.node(Kind::Raw(Raw::Group(Box::new(left), pairs)), position, height));
            }
            ":=" if !matches!(left.kind, Kind::Variable(_)) => {
                return Err(Error::new("S0212").at(left.position));
            }
            _ => {}
        }
        let power = match sign {
            "[" => 0,
            ":=" => binding_power(sign) - 1,
            _ => binding_power(sign),
        };
        let right = self.expression(power)?;
        let height = left.height.max(right.height);
        let (left, boxed) = (Box::new(left), |node| Box::new(node));
        let kind = match sign {
            "." => Raw::Map(left, boxed(right)),
            "[" => {
                self.advance("]", Expect::Operator)?;
                Raw::Filter(left, boxed(right))
            }
            ":=" => Raw::Bind(left, boxed(right)),
            "~>" => Raw::Apply(left, boxed(right)),
            "@" | "#" => {
                let Kind::Variable(name) = right.kind else {
                    return Err(Error::new("S0214").at(right.position).with_token(sign));
                };
                if sign == "@" { Raw::Focus(left, name) } else { Raw::Index(left, name) }
            }
            _ => match Operator::of(sign) {
                Some(operator) => {
                    return Ok(self.node(Kind::Binary(operator, left, boxed(right)), position, height));
                }
                None => return Err(Error::new("S0204").at(position).with_token(sign)),
            },
        };
        Ok(self.node(Kind::Raw(kind), position, height))
    }

    fn condition(&mut self, position: usize, condition: Node) -> Outcome<Node> {
        let then = self.expression(0)?;
        let mut height = condition.height.max(then.height);
        let mut otherwise = None;
        if self.token.sign() == ":" {
            self.advance(":", Expect::Operand)?;
            let part = self.expression(0)?;
            height = height.max(part.height);
            otherwise = Some(Box::new(part));
        }
        let kind = Kind::Condition { condition: Box::new(condition), then: Box::new(then), otherwise };
        Ok(self.node(kind, position, height))
    }

    fn sort(&mut self, position: usize, left: Node) -> Outcome<Node> {
        self.advance("(", Expect::Operand)?;
        let mut terms = Vec::new();
        let mut height = left.height;
        loop {
            let descending = self.token.sign() == ">";
            if descending || self.token.sign() == "<" {
                self.step(Expect::Operand)?;
            }
            let expression = self.expression(0)?;
            height = height.max(expression.height);
            terms.push(Term { descending, expression });
            if self.token.sign() != "," {
                break;
            }
            self.advance(",", Expect::Operand)?;
        }
        self.advance(")", Expect::Operand)?;
        Ok(self.node(Kind::Raw(Raw::Sort(Box::new(left), terms)), position, height))
    }

    fn call(&mut self, position: usize, left: Node) -> Outcome<Node> {
        let mut arguments = Vec::new();
        let mut partial = false;
        if self.token.sign() != ")" {
            loop {
                if self.token.sign() == "?" {
                    partial = true;
                    arguments.push(Node::new(Kind::Placeholder, self.token.position));
                    self.advance("?", Expect::Operand)?;
                } else {
                    arguments.push(self.expression(0)?);
                }
                if self.token.sign() != "," {
                    break;
                }
                self.advance(",", Expect::Operand)?;
            }
        }
        self.advance(")", Expect::Operator)?;
        if matches!(&left.kind, Kind::Name(name) if matches!(&**name, "function" | "\u{3bb}")) {
            return self.lambda(position, arguments);
        }
        let height = highest(&arguments).max(left.height);
        let kind = Raw::Call { procedure: Box::new(left), arguments, partial };
        Ok(self.node(Kind::Raw(kind), position, height))
    }

    fn lambda(&mut self, position: usize, arguments: Vec<Node>) -> Outcome<Node> {
        let mut params = Vec::new();
        for (at, argument) in arguments.iter().enumerate() {
            match argument.kind {
                Kind::Variable(name) => params.push(name),
                _ => {
                    let index = super::value::Value::Number((at + 1) as f64);
                    return Err(Error::new("S0208").at(argument.position).with_value(&index));
                }
            }
        }
        let signature = if self.token.sign() == "<" { Some(self.signature()?) } else { None };
        self.advance("{", Expect::Operand)?;
        let body = self.expression(0)?;
        self.advance("}", Expect::Operand)?;
        let height = body.height;
        let kind = Raw::Lambda { params, signature, body: Box::new(body) };
        Ok(self.node(Kind::Raw(kind), position, height))
    }

    fn signature(&mut self) -> Outcome<Arc<Signature>> {
        let position = self.token.position;
        let mut depth = 1;
        let mut text = "<".to_owned();
        while depth > 0 && self.token.sign() != "{" && !self.token.is_end() {
            self.step(Expect::Operand)?;
            match self.token.sign() {
                ">" => depth -= 1,
                "<" => depth += 1,
                _ => {}
            }
            text.push_str(&self.token.text());
        }
        self.advance(">", Expect::Operand)?;
        Signature::parse(&text).map(Arc::new).map_err(|error| error.at(position))
    }
}

fn highest(nodes: &[Node]) -> u16 {
    nodes.iter().map(|node| node.height).max().unwrap_or(0)
}

/// What the filters are applied to.
fn innermost(node: &mut Node) -> &mut Node {
    match node {
        Node { kind: Kind::Raw(Raw::Filter(left, _)), .. } => innermost(left),
        other => other,
    }
}
