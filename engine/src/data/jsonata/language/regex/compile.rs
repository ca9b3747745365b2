//! Makes instructions of a pattern.

use super::parse::{Parsed, Part};
use super::{Instruction, Regex, fold};
use crate::data::jsonata::language::error::{Error, Outcome};

/// The most instructions of one pattern. Counted repetitions are written out.
const MAX_INSTRUCTIONS: usize = 20_000;

pub(super) fn compile(pattern: &str, flags: &str, parsed: Parsed) -> Outcome<Regex> {
    let fault = |what: &str| Error::uncoded(format!("Invalid regular expression: /{pattern}/: {what}"));
    if flags.matches('i').count() > 1 || flags.matches('m').count() > 1 {
        return Err(Error::uncoded(format!("Invalid flags supplied to RegExp constructor '{flags}g'")));
    }
    let ignore_case = flags.contains('i');
    let mut compiler = Compiler {
        code: Vec::new(),
        slots: (parsed.groups + 1) * 2,
        names: &parsed.names,
        ignore_case,
        is_too_large: false,
    };
    compiler.emit(Instruction::Save(0));
    compiler.part(&parsed.part, false);
    compiler.emit(Instruction::Save(1));
    compiler.emit(Instruction::Match);
    if compiler.is_too_large {
        return Err(fault("Regular expression too large"));
    }
    Ok(Regex {
        source: pattern.to_owned(),
        slots: compiler.slots,
        code: compiler.code,
        groups: parsed.groups,
        multiline: flags.contains('m'),
        ignore_case,
    })
}

struct Compiler<'a> {
    code: Vec<Instruction>,
    slots: usize,
    names: &'a [(String, usize)],
    ignore_case: bool,
    is_too_large: bool,
}

impl Compiler<'_> {
    fn emit(&mut self, instruction: Instruction) -> usize {
        if self.code.len() >= MAX_INSTRUCTIONS {
            self.is_too_large = true;
        } else {
            self.code.push(instruction);
        }
        self.code.len() - 1
    }

    fn part(&mut self, part: &Part, back: bool) {
        if self.is_too_large {
            return;
        }
        match part {
            Part::Char(character) => {
                let character = if self.ignore_case { fold(*character) } else { *character };
                self.emit(Instruction::Char { character, back });
            }
            Part::Any => {
                self.emit(Instruction::Any { back });
            }
            Part::Class(class) => {
                self.emit(Instruction::Class { class: class.clone(), back });
            }
            Part::Start => {
                self.emit(Instruction::Start);
            }
            Part::End => {
                self.emit(Instruction::End);
            }
            Part::WordBoundary { negated } => {
                self.emit(Instruction::WordBoundary { negated: *negated });
            }
            Part::Group(number, inner) => {
                let (first, last) = (number * 2, number * 2 + 1);
                self.emit(Instruction::Save(if back { last } else { first }));
                self.part(inner, back);
                self.emit(Instruction::Save(if back { first } else { last }));
            }
            Part::BackReference(group) => {
                self.emit(Instruction::BackReference { group: *group, back });
            }
            Part::Named(name) => {
                // A name that no group has is the text itself, which never comes up.
                let group = self.names.iter().find(|(known, _)| known == name).map_or(0, |(_, group)| *group);
                self.emit(Instruction::BackReference { group, back });
            }
            Part::Sequence(parts) if back => parts.iter().rev().for_each(|part| self.part(part, back)),
            Part::Sequence(parts) => parts.iter().for_each(|part| self.part(part, back)),
            Part::Choice(choices) => self.choice(choices, back),
            Part::Look { part, behind, negated } => {
                let look = self.emit(Instruction::Look { negated: *negated, next: 0 });
                self.part(part, *behind);
                self.emit(Instruction::Match);
                let end = self.code.len();
                if let Some(Instruction::Look { next, .. }) = self.code.get_mut(look) {
                    *next = end;
                }
            }
            Part::Repeat { part, least, most, lazy, groups } => {
                for _ in 0..*least {
                    if self.is_too_large {
                        return;
                    }
                    self.reset(*groups);
                    self.part(part, back);
                }
                match most {
                    None => self.loops(part, *lazy, *groups, back),
                    Some(most) => self.options(part, most - least, *lazy, *groups, back),
                }
            }
        }
    }

    fn reset(&mut self, (from, to): (usize, usize)) {
        if from < to {
            self.emit(Instruction::Reset { from: (from + 1) * 2, to: (to + 1) * 2 });
        }
    }

    fn split(&mut self, at: usize, inside: usize, outside: usize, lazy: bool) {
        if let Some(instruction) = self.code.get_mut(at) {
            let (first, second) = if lazy { (outside, inside) } else { (inside, outside) };
            *instruction = Instruction::Split { first, second };
        }
    }

    fn loops(&mut self, part: &Part, lazy: bool, groups: (usize, usize), back: bool) {
        let slot = self.slots;
        self.slots += 1;
        let start = self.emit(Instruction::Jump(0));
        self.iteration(part, slot, groups, back);
        self.emit(Instruction::Jump(start));
        let end = self.code.len();
        self.split(start, start + 1, end, lazy);
    }

    fn options(&mut self, part: &Part, count: usize, lazy: bool, groups: (usize, usize), back: bool) {
        let slot = self.slots;
        self.slots += 1;
        let mut splits = Vec::new();
        for _ in 0..count {
            if self.is_too_large {
                return;
            }
            splits.push(self.emit(Instruction::Jump(0)));
            self.iteration(part, slot, groups, back);
        }
        let end = self.code.len();
        for split in splits {
            self.split(split, split + 1, end, lazy);
        }
    }

    /// One more time; not without matching something.
    fn iteration(&mut self, part: &Part, slot: usize, groups: (usize, usize), back: bool) {
        self.emit(Instruction::Save(slot));
        self.reset(groups);
        self.part(part, back);
        self.emit(Instruction::Progress(slot));
    }

    fn choice(&mut self, choices: &[Part], back: bool) {
        let mut jumps = Vec::new();
        for (at, choice) in choices.iter().enumerate() {
            if at + 1 == choices.len() {
                self.part(choice, back);
                break;
            }
            let split = self.emit(Instruction::Jump(0));
            self.part(choice, back);
            jumps.push(self.emit(Instruction::Jump(0)));
            let next = self.code.len();
            self.split(split, split + 1, next, false);
        }
        let end = self.code.len();
        for jump in jumps {
            if let Some(instruction) = self.code.get_mut(jump) {
                *instruction = Instruction::Jump(end);
            }
        }
    }
}
