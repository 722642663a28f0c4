//! A reader that counts lines and gives no more than it is allowed to, so that no single element or concept can fill the memory.

use std::{
    cell::Cell,
    io::{BufRead, Read},
    rc::Rc,
};

/// So many bytes one element of XML or one concept of JSON has at most; those of the official releases have some hundred thousand.
pub const LARGEST_PIECE: u64 = 32 << 20;

/// Where a stream is, and what may still be read of it.
#[derive(Debug)]
pub struct Meter {
    line: Cell<u64>,
    left: Cell<u64>,
}

impl Meter {
    /// The line that is being read, from 1.
    pub fn line(&self) -> u64 {
        self.line.get()
    }

    /// Allows a whole piece again.
    pub fn renew(&self) {
        self.left.set(LARGEST_PIECE);
    }

    /// Allows any length: what follows is passed over and not held.
    pub fn pass_over(&self) {
        self.left.set(u64::MAX);
    }

    fn used(&self, bytes: &[u8]) {
        self.line.set(self.line.get() + bytes.iter().map(|&byte| u64::from(byte == b'\n')).sum::<u64>());
        self.left.set(self.left.get().saturating_sub(bytes.len() as u64));
    }

    fn check(&self) -> std::io::Result<()> {
        if self.left.get() > 0 {
            return Ok(());
        }
        let most = LARGEST_PIECE >> 20;
        Err(std::io::Error::other(format!(
            "one element is larger than {most} MB, which none of a release is; the file is damaged: download it again"
        )))
    }
}

/// A stream with its meter.
pub struct Allowance<'a> {
    inner: &'a mut dyn BufRead,
    meter: Rc<Meter>,
}

impl<'a> Allowance<'a> {
    /// Over a stream, from its first line, with one piece allowed.
    pub fn new(inner: &'a mut dyn BufRead) -> Self {
        Self { inner, meter: Rc::new(Meter { line: Cell::new(1), left: Cell::new(LARGEST_PIECE) }) }
    }

    /// The meter, for those who cannot reach the stream while it is read.
    pub fn meter(&self) -> Rc<Meter> {
        Rc::clone(&self.meter)
    }
}

impl Read for Allowance<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.meter.check()?;
        let read = self.inner.read(buffer)?;
        self.meter.used(&buffer[..read]);
        Ok(read)
    }
}

impl BufRead for Allowance<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.meter.check()?;
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        // What was filled is still there, so looking at it again reads nothing.
        if let Ok(filled) = self.inner.fill_buf() {
            self.meter.used(&filled[..amount]);
        }
        self.inner.consume(amount);
    }
}
