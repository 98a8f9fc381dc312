use super::{Class, Error, Multipart, Parse, Record, Stop};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Noop = 0,
    Infer = 1,
    Shutdown = 2,
}

/// Five int64, little-endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub call_id: i64,
    pub chunk_index: i64,
    pub control_epoch: i64,
    pub cache_epoch: i64,
    pub action: Action,
}

/// A header and, for INFER alone, the manifest (still serialised) and the tensors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TpMessage {
    pub header: Header,
    pub records: Vec<Record>,
}

/// The layout of TP control. It judges no order of ids, and reads no manifest.
#[derive(Clone, Copy, Debug)]
pub struct Tp {
    pub limit: u64,
    pub max_parts: u64,
}

const HEADER: usize = 40;

impl Tp {
    fn payload(self) -> Multipart {
        Multipart { typed: false, limit: self.limit, max_parts: self.max_parts }
    }

    pub fn encode(&self, message: &TpMessage) -> Result<Vec<u8>, Error> {
        let h = &message.header;
        let infer = h.action == Action::Infer;
        if infer == message.records.is_empty() {
            return Err(Error::encode(Class::HeaderField));
        }
        let fields = [h.call_id, h.chunk_index, h.control_epoch, h.cache_epoch, h.action as i64];
        let mut bytes: Vec<u8> = fields.iter().flat_map(|field| field.to_le_bytes()).collect();
        if infer {
            bytes.extend(self.payload().encode(&message.records)?);
        }
        Ok(bytes)
    }
}

impl Parse for Tp {
    type Message = TpMessage;

    fn parse(&self, data: &[u8]) -> Result<(TpMessage, usize), Stop> {
        let (head, rest) = match (data.get(..HEADER), data.get(HEADER..)) {
            (Some(head), Some(rest)) => (head, rest),
            _ => return Err(Stop::Short(Class::EofInHeader)),
        };
        let field = |i: usize| i64::from_le_bytes(std::array::from_fn(|byte| head[8 * i + byte]));
        let action = match field(4) {
            0 => Action::Noop,
            1 => Action::Infer,
            2 => Action::Shutdown,
            _ => return Err(Stop::Refused(Class::HeaderField, HEADER)),
        };
        let (records, taken) = match action {
            Action::Infer if rest.is_empty() => return Err(Stop::Short(Class::EofInPrefix)),
            Action::Infer => self.payload().parse(rest).map_err(|stop| match stop {
                Stop::Refused(class, at) => Stop::Refused(class, HEADER + at),
                short => short,
            })?,
            _ => (Vec::new(), 0),
        };
        let (call_id, chunk_index, control_epoch, cache_epoch) = (field(0), field(1), field(2), field(3));
        let header = Header { call_id, chunk_index, control_epoch, cache_epoch, action };
        Ok((TpMessage { header, records }, HEADER + taken))
    }
}
