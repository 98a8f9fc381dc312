use super::{Class, Error, Parse, Stop};

/// A prefix layout: bytes before the length, and bytes of length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framing {
    lead: usize,
    length: usize,
    lead_is_flag: bool,
}

pub const LEN32: Framing = Framing { lead: 0, length: 4, lead_is_flag: false };
pub const LEN64: Framing = Framing { lead: 0, length: 8, lead_is_flag: false };
pub const LEN56_TAGGED: Framing = Framing { lead: 1, length: 7, lead_is_flag: false };
pub const GRPC_LPM: Framing = Framing { lead: 1, length: 4, lead_is_flag: true };

/// `lead` is the tag of len56-tagged, the flag of grpc-lpm, else 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub lead: u8,
    pub payload: Vec<u8>,
}

/// A parser of frames whose payload is at most `limit` bytes.
impl Parse for (Framing, u64) {
    type Message = Frame;

    fn parse(&self, data: &[u8]) -> Result<(Frame, usize), Stop> {
        let (framing, limit) = *self;
        let lead = if framing.lead > 0 { data[0] } else { 0 };
        framing.judge(lead).map_err(|class| Stop::Refused(class, 1))?; // before the length: its own byte is enough
        let size = framing.lead + framing.length;
        if data.len() < size {
            return Err(Stop::Short(Class::EofInPrefix));
        }
        let length = data[framing.lead..size].iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        if length > limit {
            return Err(Stop::Refused(Class::OversizeDeclared, size));
        }
        if length > (data.len() - size) as u64 {
            return Err(Stop::Short(Class::EofInBody));
        }
        let end = size + length as usize;
        Ok((Frame { lead, payload: data[size..end].to_vec() }, end))
    }
}

impl Framing {
    /// The bytes of one frame. `payload` may be in pieces.
    pub fn encode(self, lead: u8, payload: &[&[u8]], limit: u64) -> Result<Vec<u8>, Error> {
        self.judge(lead).map_err(Error::encode)?;
        let length: u64 = payload.iter().map(|piece| piece.len() as u64).sum();
        let most = u64::MAX >> (64 - 8 * self.length);
        if length > limit.min(most) {
            return Err(Error::encode(Class::OversizeDeclared));
        }
        let mut bytes = Vec::with_capacity(self.lead + self.length + length as usize);
        bytes.extend_from_slice(&[lead][..self.lead]);
        bytes.extend_from_slice(&length.to_be_bytes()[8 - self.length..]);
        payload.iter().for_each(|piece| bytes.extend_from_slice(piece));
        Ok(bytes)
    }

    fn judge(self, lead: u8) -> Result<(), Class> {
        match lead {
            1 if self.lead_is_flag => Err(Class::CodecUnsupported),
            2.. if self.lead_is_flag => Err(Class::FlagsReserved),
            1.. if self.lead == 0 => Err(Class::HeaderField),
            _ => Ok(()),
        }
    }
}
