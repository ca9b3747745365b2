//! The matcher: goes forward through the instructions, and back to the last choice where one fails.

use super::{Groups, Instruction, Regex, fold, is_line_end, is_word};
use crate::data::jsonata::language::error::{Error, Outcome};
use crate::data::jsonata::language::meter::Meter;

/// The most choices and positions that are remembered.
const MAX_REMEMBERED: usize = 1_000_000;

pub(super) fn find(regex: &Regex, text: &str, from: usize, meter: &mut Meter) -> Outcome<Option<Groups>> {
    let mut matcher = Matcher { regex, text, slots: vec![None; regex.slots], remembered: Vec::new(), meter };
    let mut start = from;
    loop {
        if let Some(Instruction::Char { character, .. }) = regex.code.get(1)
            && !regex.ignore_case
        {
            // What begins with a certain character need not be tried elsewhere.
            matcher.meter.steps(1)?;
            match text[start..].find(*character) {
                Some(next) => {
                    matcher.meter.steps(next / 16)?;
                    start += next;
                }
                None => return Ok(None),
            }
        }
        matcher.slots.fill(None);
        matcher.remembered.clear();
        if matcher.run(0, start)?.is_some() {
            let range = |group: usize| Some((matcher.slots[group * 2]?, matcher.slots[group * 2 + 1]?));
            return Ok(Some((0..=regex.groups).map(range).collect()));
        }
        match text[start..].chars().next() {
            Some(character) => start += character.len_utf8(),
            None => return Ok(None),
        }
    }
}

/// What is undone on the way back.
enum Remembered {
    Choice { code: usize, at: usize },
    Slot { slot: usize, value: Option<usize> },
}

struct Matcher<'a> {
    regex: &'a Regex,
    text: &'a str,
    slots: Vec<Option<usize>>,
    remembered: Vec<Remembered>,
    meter: &'a mut Meter,
}

impl Matcher<'_> {
    /// Where a match that begins here ends. Looking around calls this again, as deep as a pattern nests.
    fn run(&mut self, code: usize, at: usize) -> Outcome<Option<usize>> {
        let base = self.remembered.len();
        let (mut code, mut at) = (code, at);
        loop {
            self.meter.step()?;
            let next = match &self.regex.code[code] {
                Instruction::Match => return Ok(Some(at)),
                Instruction::Jump(to) => Some((*to, at)),
                Instruction::Split { first, second } => {
                    self.remember(Remembered::Choice { code: *second, at })?;
                    Some((*first, at))
                }
                Instruction::Save(slot) => {
                    self.set(*slot, Some(at))?;
                    Some((code + 1, at))
                }
                Instruction::Reset { from, to } => {
                    for slot in *from..*to {
                        self.set(slot, None)?;
                    }
                    Some((code + 1, at))
                }
                Instruction::Progress(slot) => (self.slots[*slot] != Some(at)).then_some((code + 1, at)),
                Instruction::Look { negated, next } => {
                    let before = self.remembered.len();
                    let is_found = self.run(code + 1, at)?.is_some();
                    if *negated || !is_found {
                        self.undo(before);
                    } else {
                        self.forget_choices(before);
                    }
                    (is_found != *negated).then_some((*next, at))
                }
                other => self.advance(other, at).map(|at| (code + 1, at)),
            };
            match next {
                Some(next) => (code, at) = next,
                None => match self.back(base) {
                    Some(choice) => (code, at) = choice,
                    None => return Ok(None),
                },
            }
        }
    }

    fn remember(&mut self, what: Remembered) -> Outcome<()> {
        if self.remembered.len() >= MAX_REMEMBERED {
            return Err(Error::memory());
        }
        self.remembered.push(what);
        Ok(())
    }

    fn set(&mut self, slot: usize, value: Option<usize>) -> Outcome<()> {
        let before = std::mem::replace(&mut self.slots[slot], value);
        self.remember(Remembered::Slot { slot, value: before })
    }

    /// The last choice that is left.
    fn back(&mut self, base: usize) -> Option<(usize, usize)> {
        while self.remembered.len() > base {
            match self.remembered.pop()? {
                Remembered::Choice { code, at } => return Some((code, at)),
                Remembered::Slot { slot, value } => self.slots[slot] = value,
            }
        }
        None
    }

    fn undo(&mut self, base: usize) {
        while self.back(base).is_some() {}
    }

    /// What was looked at is not looked at in another way; what it set is undone with the rest.
    fn forget_choices(&mut self, base: usize) {
        let kept: Vec<_> =
            self.remembered.drain(base..).filter(|what| matches!(what, Remembered::Slot { .. })).collect();
        self.remembered.extend(kept);
    }

    fn character(&self, at: usize, back: bool) -> Option<char> {
        if back { self.text[..at].chars().next_back() } else { self.text[at..].chars().next() }
    }

    /// The position behind what an instruction matches.
    fn advance(&self, instruction: &Instruction, at: usize) -> Option<usize> {
        let passed = |character: char, back: bool| {
            if back { at - character.len_utf8() } else { at + character.len_utf8() }
        };
        match instruction {
            Instruction::Char { character, back } => {
                let found = self.character(at, *back)?;
                let compared = if self.regex.ignore_case { fold(found) } else { found };
                (compared == *character).then(|| passed(found, *back))
            }
            Instruction::Any { back } => {
                let found = self.character(at, *back)?;
                (!is_line_end(found)).then(|| passed(found, *back))
            }
            Instruction::Class { class, back } => {
                let found = self.character(at, *back)?;
                let is_in = if self.regex.ignore_case {
                    let lower = found.to_lowercase().next().unwrap_or(found);
                    [found, lower, fold(found)].into_iter().any(|form| class.has(form))
                } else {
                    class.has(found)
                };
                (is_in != class.negated).then(|| passed(found, *back))
            }
            Instruction::Start => {
                let is_start = match self.character(at, true) {
                    None => true,
                    Some(before) => self.regex.multiline && is_line_end(before),
                };
                is_start.then_some(at)
            }
            Instruction::End => {
                let is_end = match self.character(at, false) {
                    None => true,
                    Some(after) => self.regex.multiline && is_line_end(after),
                };
                is_end.then_some(at)
            }
            Instruction::WordBoundary { negated } => {
                let is_inside = |back| self.character(at, back).is_some_and(is_word);
                ((is_inside(true) != is_inside(false)) != *negated).then_some(at)
            }
            Instruction::BackReference { group, back } => self.repeat(*group, *back, at),
            _ => None,
        }
    }

    /// The text of a group once more; a group that has matched nothing is empty.
    fn repeat(&self, group: usize, back: bool, at: usize) -> Option<usize> {
        let (Some(start), Some(end)) = (self.slots[group * 2], self.slots[group * 2 + 1]) else {
            return Some(at);
        };
        let text = &self.text[start..end];
        let is_same = |other: &str| {
            if self.regex.ignore_case {
                other.chars().map(fold).eq(text.chars().map(fold))
            } else {
                other == text
            }
        };
        if back {
            let from = at.checked_sub(text.len())?;
            is_same(self.text.get(from..at)?).then_some(from)
        } else {
            is_same(self.text.get(at..at + text.len())?).then_some(at + text.len())
        }
    }
}
