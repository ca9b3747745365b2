//! The tokens of an expression.

use std::sync::Arc;

use super::error::{Error, Outcome};
use super::number;
use super::regex::Regex;
use super::text::quoted;

/// A token, and the position after it.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    pub(super) position: usize,
}

#[derive(Clone, Debug)]
pub(super) enum TokenKind {
    End,
    Name(String),
    Variable(String),
    Text(Arc<str>),
    Number(f64),
    Bool(bool),
    Null,
    Regex(Arc<Regex>),
    Operator(String),
}

impl Token {
    /// The sign of an operator, and nothing for other tokens.
    pub(super) fn sign(&self) -> &str {
        match &self.kind {
            TokenKind::Operator(sign) => sign,
            _ => "",
        }
    }

    pub(super) fn is_end(&self) -> bool {
        matches!(self.kind, TokenKind::End)
    }

    /// The token as messages show it.
    pub(super) fn json(&self) -> String {
        match &self.kind {
            TokenKind::End => quoted("(end)"),
            TokenKind::Name(text) | TokenKind::Variable(text) | TokenKind::Operator(text) => quoted(text),
            TokenKind::Text(text) => quoted(text),
            TokenKind::Number(value) => number::to_text(*value),
            TokenKind::Bool(value) => value.to_string(),
            TokenKind::Null => "null".to_owned(),
            TokenKind::Regex(_) => "{}".to_owned(),
        }
    }

    /// The token as a part of a signature.
    pub(super) fn text(&self) -> String {
        match &self.kind {
            TokenKind::Name(text) | TokenKind::Variable(text) | TokenKind::Operator(text) => text.clone(),
            TokenKind::Text(text) => text.to_string(),
            _ => self.json(),
        }
    }
}

const OPERATORS: &str = ".[]{}(),@#;:?+-*/%|=<>^&!~";
const PAIRS: [&str; 8] = ["..", ":=", "!=", ">=", "<=", "**", "~>", "/*"];
const SPACE: &str = " \t\n\r\u{b}";

/// Reads a text token by token.
pub(super) struct Lexer {
    text: Vec<char>,
    at: usize,
}

/// Whether the next token may follow an operand, so that `/` divides.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Expect {
    Operator,
    Operand,
}

impl Lexer {
    pub(super) fn new(text: &str) -> Lexer {
        Lexer { text: text.chars().collect(), at: 0 }
    }

    fn peek(&self, ahead: usize) -> Option<char> {
        self.text.get(self.at + ahead).copied()
    }

    fn token(&self, kind: TokenKind) -> Outcome<Token> {
        Ok(Token { kind, position: self.at })
    }

    pub(super) fn next(&mut self, expect: Expect) -> Outcome<Token> {
        self.skip_space()?;
        let Some(first) = self.peek(0) else { return self.token(TokenKind::End) };
        if first == '/' && expect == Expect::Operand {
            self.at += 1;
            let regex = self.regex()?;
            return self.token(TokenKind::Regex(Arc::new(regex)));
        }
        let pair: String = [first].into_iter().chain(self.peek(1)).collect();
        if PAIRS.contains(&pair.as_str()) {
            self.at += 2;
            return self.token(TokenKind::Operator(pair));
        }
        if OPERATORS.contains(first) {
            self.at += 1;
            return self.token(TokenKind::Operator(first.to_string()));
        }
        match first {
            '"' | '\'' => self.quoted(first),
            '0'..='9' => self.number(),
            '`' => self.quoted_name(),
            _ => self.name(),
        }
    }

    fn skip_space(&mut self) -> Outcome<()> {
        loop {
            while self.peek(0).is_some_and(|character| SPACE.contains(character)) {
                self.at += 1;
            }
            if self.peek(0) != Some('/') || self.peek(1) != Some('*') {
                return Ok(());
            }
            let start = self.at;
            self.at += 2;
            while !(self.peek(0) == Some('*') && self.peek(1) == Some('/')) {
                self.at += 1;
                if self.at >= self.text.len() {
                    return Err(Error::new("S0106").at(start));
                }
            }
            self.at += 2;
        }
    }

    fn quoted(&mut self, quote: char) -> Outcome<Token> {
        self.at += 1;
        let mut units: Vec<u16> = Vec::new();
        let mut text = String::new();
        while let Some(character) = self.peek(0) {
            if character == '\\' {
                self.at += 1;
                if self.peek(0) == Some('u') {
                    units.push(self.unit()?);
                    continue;
                }
            }
            // Halves of pairs come one by one; one that stays alone is no character.
            text.push_str(&String::from_utf16_lossy(&units));
            units.clear();
            if character == '\\' {
                text.push(self.escape()?);
            } else if character == quote {
                self.at += 1;
                return self.token(TokenKind::Text(text.into()));
            } else {
                text.push(character);
            }
            self.at += 1;
        }
        Err(Error::new("S0101").at(self.at))
    }

    fn escape(&self) -> Outcome<char> {
        Ok(match self.peek(0) {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            other => {
                let token = other.map(String::from).unwrap_or_default();
                return Err(Error::new("S0103").at(self.at).with_token(&token));
            }
        })
    }

    /// The four digits after `\u`.
    fn unit(&mut self) -> Outcome<u16> {
        let end = (self.at + 5).min(self.text.len());
        let digits: String = self.text[self.at + 1..end].iter().collect();
        let unit = u16::from_str_radix(&digits, 16).ok().filter(|_| !digits.starts_with('+'));
        let unit = unit.ok_or_else(|| Error::new("S0104").at(self.at))?;
        self.at += 5;
        Ok(unit)
    }

    fn number(&mut self) -> Outcome<Token> {
        let start = self.at;
        if self.peek(0) == Some('0') {
            self.at += 1;
        } else {
            self.digits();
        }
        if self.peek(0) == Some('.') && self.peek(1).is_some_and(|digit| digit.is_ascii_digit()) {
            self.at += 1;
            self.digits();
        }
        if matches!(self.peek(0), Some('e' | 'E')) {
            let sign = usize::from(matches!(self.peek(1), Some('+' | '-')));
            if self.peek(1 + sign).is_some_and(|digit| digit.is_ascii_digit()) {
                self.at += 1 + sign;
                self.digits();
            }
        }
        let text: String = self.text[start..self.at].iter().collect();
        let value = number::parse(&text);
        if !value.is_finite() {
            return Err(Error::new("S0102").at(start).with_token(&text));
        }
        self.token(TokenKind::Number(value))
    }

    fn digits(&mut self) {
        while self.peek(0).is_some_and(|digit| digit.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn quoted_name(&mut self) -> Outcome<Token> {
        let start = self.at + 1;
        match self.text[start..].iter().position(|&character| character == '`') {
            Some(length) => {
                self.at = start + length + 1;
                let name = self.text[start..start + length].iter().collect();
                self.token(TokenKind::Name(name))
            }
            None => Err(Error::new("S0105").at(self.text.len())),
        }
    }

    fn name(&mut self) -> Outcome<Token> {
        let start = self.at;
        while self.peek(0).is_some_and(|next| !SPACE.contains(next) && !OPERATORS.contains(next)) {
            self.at += 1;
        }
        let name: String = self.text[start..self.at].iter().collect();
        if let Some(name) = name.strip_prefix('$') {
            return self.token(TokenKind::Variable(name.to_owned()));
        }
        self.token(match name.as_str() {
            "or" | "in" | "and" => TokenKind::Operator(name),
            "true" => TokenKind::Bool(true),
            "false" => TokenKind::Bool(false),
            "null" => TokenKind::Null,
            _ => TokenKind::Name(name),
        })
    }

    /// A pattern, after its first slash.
    fn regex(&mut self) -> Outcome<Regex> {
        let start = self.at;
        let mut depth = 0;
        while let Some(character) = self.peek(0) {
            let backslashes =
                self.text[start..self.at].iter().rev().take_while(|&&before| before == '\\').count();
            if character == '/' && depth == 0 && backslashes % 2 == 0 {
                if self.at == start {
                    return Err(Error::new("S0301").at(self.at));
                }
                let pattern: String = self.text[start..self.at].iter().collect();
                self.at += 1;
                let flags = self.at;
                while matches!(self.peek(0), Some('i' | 'm')) {
                    self.at += 1;
                }
                let flags: String = self.text[flags..self.at].iter().collect();
                return Regex::new(&pattern, &flags);
            }
            if backslashes == 0 {
                match character {
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth -= 1,
                    _ => {}
                }
            }
            self.at += 1;
        }
        Err(Error::new("S0302").at(self.at))
    }
}
