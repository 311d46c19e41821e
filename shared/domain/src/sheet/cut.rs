//! Cuts a text into records and cells, as RFC 4180 has it. The csv crate does so too, but tells neither the line of a
//! record where lines end in CR or a blank line precedes it, nor a quote that is never closed.

use std::borrow::Cow;

/// The records that are left of a text. Blank lines are none.
pub(super) struct Cut<'a> {
    rest: &'a str,
    separator: u8,
    /// The physical line on which `rest` starts.
    line: u64,
    /// As many cells as the last record had, which the next will have too.
    width: usize,
}

/// A record as it was cut.
pub(super) struct Raw<'a> {
    /// The physical line on which it starts.
    pub(super) line: u64,
    pub(super) cells: Vec<Cow<'a, str>>,
    /// A quote was not closed, or text stands behind the closing one: where the record ends is a guess.
    pub(super) quote_is_open: bool,
}

impl<'a> Iterator for Cut<'a> {
    type Item = Raw<'a>;

    fn next(&mut self) -> Option<Raw<'a>> {
        while self.take_line_end() {}
        if self.rest.is_empty() {
            return None;
        }
        let cells = Vec::with_capacity(self.width);
        let mut raw = Raw { line: self.line, cells, quote_is_open: false };
        loop {
            let (cell, is_open) = self.take_cell();
            raw.cells.push(cell);
            raw.quote_is_open |= is_open;
            if self.rest.as_bytes().first() != Some(&self.separator) {
                self.take_line_end();
                self.width = raw.cells.len();
                return Some(raw);
            }
            self.take(1);
        }
    }
}

impl<'a> Cut<'a> {
    pub(super) fn new(text: &'a str, separator: u8) -> Self {
        Self { rest: text, separator, line: 1, width: 0 }
    }

    /// A cell, and whether its quote is open.
    fn take_cell(&mut self) -> (Cow<'a, str>, bool) {
        if !self.rest.starts_with('"') {
            return (Cow::Borrowed(self.take_plain()), false);
        }
        self.take(1);
        let mut cell = Cow::Borrowed("");
        loop {
            let closing = self.rest.find('"');
            let part = self.take(closing.unwrap_or(self.rest.len()));
            self.line += line_ends(part);
            cell += part;
            if closing.is_none() {
                return (cell, true);
            }
            self.take(1);
            if !self.rest.starts_with('"') {
                break;
            }
            // Two quotes are one of the text.
            cell += self.take(1);
        }
        let behind = self.take_plain().trim();
        cell += behind;
        (cell, !behind.is_empty())
    }

    /// What comes before the next separator or line end.
    fn take_plain(&mut self) -> &'a str {
        let ends = |byte| byte == self.separator || byte == b'\r' || byte == b'\n';
        self.take(self.rest.bytes().position(ends).unwrap_or(self.rest.len()))
    }

    /// Takes CRLF, LF, or CR; says whether there was one.
    fn take_line_end(&mut self) -> bool {
        let length = match self.rest.as_bytes() {
            [b'\r', b'\n', ..] => 2,
            [b'\r' | b'\n', ..] => 1,
            _ => return false,
        };
        self.take(length);
        self.line += 1;
        true
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }
}

fn line_ends(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let ends = |(index, byte): (usize, &u8)| match byte {
        b'\n' => true,
        b'\r' => bytes.get(index + 1) != Some(&b'\n'),
        _ => false,
    };
    bytes.iter().enumerate().filter(|at| ends(*at)).count() as u64
}
