use super::{Class, Error};

/// Why there is no message at the front of the data.
#[derive(Debug)]
pub enum Stop {
    /// More bytes are needed; the class is that of the error if the stream ends here.
    Short(Class),
    /// The class, and the offset in the data at which it was decided.
    Refused(Class, usize),
}

pub trait Parse {
    type Message;

    /// Reads one message from the front of `data`, and says how many bytes it took.
    fn parse(&self, data: &[u8]) -> Result<(Self::Message, usize), Stop>;
}

/// Cuts the stream of one connection into messages: `feed` it what was read, then iterate to the end. The first error
/// ends it for good.
pub struct Decoder<P> {
    parser: P,
    /// What arrived of messages that were not taken yet: it grows with the bytes, never with a declared length.
    buffer: Vec<u8>,
    /// How much of `buffer` was taken.
    start: usize,
    /// The offset of `buffer[0]` in the stream.
    base: u64,
    short: Class,
    error: Option<Error>,
}

impl<P: Parse> Decoder<P> {
    pub fn new(parser: P) -> Self {
        let short = Class::EofInPrefix;
        Decoder { parser, buffer: Vec::new(), start: 0, base: 0, short, error: None }
    }

    pub fn feed(&mut self, chunk: &[u8]) {
        if self.error.is_none() {
            // Once for each chunk, not for each message: linear in the bytes.
            self.buffer.drain(..self.start);
            self.base += self.start as u64;
            self.start = 0;
            self.buffer.extend_from_slice(chunk);
        }
    }

    /// Ok if the stream ended cleanly, between two messages.
    pub fn end(&mut self) -> Result<(), Error> {
        if self.error.is_none() && self.start < self.buffer.len() {
            self.error = Some(Error { class: self.short, at: self.base + self.buffer.len() as u64 });
        }
        self.error.map_or(Ok(()), Err)
    }
}

impl<P: Parse> Iterator for Decoder<P> {
    type Item = Result<P::Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let data = &self.buffer[self.start..];
        if self.error.is_some() || data.is_empty() {
            return None;
        }
        match self.parser.parse(data) {
            Ok((message, taken)) => {
                self.start += taken;
                Some(Ok(message))
            }
            Err(Stop::Short(class)) => {
                self.short = class;
                None
            }
            Err(Stop::Refused(class, at)) => {
                let error = Error { class, at: self.base + (self.start + at) as u64 };
                self.error = Some(error);
                self.buffer = Vec::new();
                self.start = 0;
                Some(Err(error))
            }
        }
    }
}
