//! Cuts byte streams into messages, as in `spec/framing.md` and `spec/tp-control.md`. It does no I/O and holds nothing
//! of the IUT protocol: copy this folder.

mod decoder;
mod frame;
mod multipart;
mod tp;

#[cfg(test)]
mod tests;

pub use decoder::{Decoder, Parse, Stop};
pub use frame::{Frame, Framing, GRPC_LPM, LEN32, LEN56_TAGGED, LEN64};
pub use multipart::{Multipart, Record};
pub use tp::{Action, Header, Tp, TpMessage};

/// The error classes of `spec/iut-protocol.md` that these codecs raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    EofInPrefix,
    EofInHeader,
    EofInBody,
    OversizeDeclared,
    FlagsReserved,
    HeaderField,
    CodecUnsupported,
}

impl Class {
    pub fn name(self) -> &'static str {
        match self {
            Class::EofInPrefix => "eof.in-prefix",
            Class::EofInHeader => "eof.in-header",
            Class::EofInBody => "eof.in-body",
            Class::OversizeDeclared => "oversize.declared",
            Class::FlagsReserved => "flags.reserved",
            Class::HeaderField => "header.field",
            Class::CodecUnsupported => "codec.unsupported",
        }
    }
}

/// A refusal. `at`: the bytes of the stream that had to be read to decide, 0 for a refused encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    pub class: Class,
    pub at: u64,
}

impl Error {
    pub fn encode(class: Class) -> Self {
        Error { class, at: 0 }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{} at {}", self.class.name(), self.at)
    }
}

impl std::error::Error for Error {}
