//! Positions, as line and column and in Jackson's words.

use super::{MAX_LOCATION, MAX_POSITIONS, Position, SNIPPET, Scanner};

impl Scanner<'_> {
    /// The position of an offset that is not before the last one.
    fn position(&mut self, at: usize) -> Position {
        for character in self.text[self.counted..at].chars() {
            match character {
                '\n' => self.reached = Position { line: self.reached.line + 1, column: 1 },
                _ => self.reached.column += 1,
            }
        }
        self.counted = at;
        self.reached
    }

    /// Notes a position, unless too many are noted.
    pub(super) fn note(&mut self, location: &str, at: usize) {
        if self.outline.positions.len() < MAX_POSITIONS && location.len() <= MAX_LOCATION {
            let position = self.position(at);
            self.outline.positions.insert(location.to_owned(), position);
        }
    }

    pub(super) fn position_from_front(&self, at: usize) -> Position {
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position { line: 1 + before.matches('\n').count(), column: 1 + before[line_start..].chars().count() }
    }

    pub(super) fn source(&self) -> String {
        self.source_at(self.position_from_front(self.at))
    }

    pub(super) fn source_at(&self, position: Position) -> String {
        let total = self.text.chars().count();
        let (snippet, rest) = if total > SNIPPET {
            let shown: String = self.text.chars().take(SNIPPET).collect();
            (shown, format!("[truncated {} chars]", total - SNIPPET))
        } else {
            (self.text.to_owned(), String::new())
        };
        format!("[Source: (String)\"{snippet}\"{rest}; line: {}, column: {}]", position.line, position.column)
    }

    pub(super) fn unclosed(&self, container: &str, start: usize) -> String {
        let start = self.position_from_front(start);
        format!(
            "Unexpected end-of-input: expected close marker for {container} (start marker at {})",
            self.source_at(start)
        )
    }
}
