//! A reader that counts lines and gives no more than it is allowed to, so that no single element or concept can fill the memory.

use std::io::{BufRead, Read};

/// So many bytes one element of XML or one concept of JSON has at most; those of the official releases have some hundred thousand.
pub const LARGEST_PIECE: u64 = 32 << 20;

/// Counts the lines that were read, and what may still be read before the next [`Allowance::renew`].
pub struct Allowance<'a> {
    inner: &'a mut dyn BufRead,
    /// Line that is being read, from 1.
    pub line: u64,
    left: u64,
}

impl<'a> Allowance<'a> {
    /// Over a stream, from its first line.
    pub fn new(inner: &'a mut dyn BufRead) -> Self {
        Self { inner, line: 1, left: LARGEST_PIECE }
    }

    /// Allows a whole piece again.
    pub const fn renew(&mut self) {
        self.left = LARGEST_PIECE;
    }

    fn check(&self) -> std::io::Result<()> {
        if self.left > 0 {
            return Ok(());
        }
        let most = LARGEST_PIECE >> 20;
        Err(std::io::Error::other(format!(
            "one element is larger than {most} MB, which none of a release is; the file is damaged: download it again"
        )))
    }

    fn used(&mut self, bytes: &[u8]) {
        self.line += newlines(bytes);
        self.left = self.left.saturating_sub(bytes.len() as u64);
    }
}

impl Read for Allowance<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.check()?;
        let read = self.inner.read(buffer)?;
        self.used(&buffer[..read]);
        Ok(read)
    }
}

impl BufRead for Allowance<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.check()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What was filled is still there, so looking at it again reads nothing.
        if let Ok(filled) = self.inner.fill_buf() {
            let lines = newlines(&filled[..amount]);
            self.line += lines;
        }
        self.left = self.left.saturating_sub(amount as u64);
        self.inner.consume(amount);
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|&byte| u64::from(byte == b'\n')).sum()
}
