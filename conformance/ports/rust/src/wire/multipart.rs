use super::{Class, Error, Parse, Stop, LEN64};

/// The body or a part of a multipart message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub data: Vec<u8>,
    pub typehash: Option<u64>,
}

/// `len64` frames that hold records: the body, then the parts.
#[derive(Clone, Copy, Debug)]
pub struct Multipart {
    pub typed: bool,
    pub limit: u64,
    pub max_parts: u64,
}

const TYPED: u64 = 1 << 63;

impl Parse for Multipart {
    type Message = Vec<Record>;

    fn parse(&self, data: &[u8]) -> Result<(Vec<Record>, usize), Stop> {
        let (frame, end) = (LEN64, self.limit).parse(data)?;
        let records = self.split(&frame.payload).map_err(|class| Stop::Refused(class, end))?; // judged when whole
        Ok((records, end))
    }
}

impl Multipart {
    fn split(&self, mut rest: &[u8]) -> Result<Vec<Record>, Class> {
        let mut records = Vec::new();
        while !rest.is_empty() || records.is_empty() {
            if records.len() as u64 > self.max_parts {
                return Err(Class::OversizeDeclared);
            }
            let word = take_u64(&mut rest).ok_or(Class::EofInPrefix)?;
            let (length, typehash) = if self.typed && word & TYPED != 0 {
                (word ^ TYPED, Some(take_u64(&mut rest).ok_or(Class::EofInHeader)?))
            } else {
                (word, None)
            };
            if length > rest.len() as u64 {
                return Err(Class::EofInBody);
            }
            let (data, behind) = rest.split_at(length as usize);
            records.push(Record { data: data.to_vec(), typehash });
            rest = behind;
        }
        Ok(records)
    }

    /// The bytes of one frame: `records[0]` is the body.
    pub fn encode(&self, records: &[Record]) -> Result<Vec<u8>, Error> {
        let mut heads = Vec::with_capacity(records.len());
        for record in records {
            let length = record.data.len() as u64;
            heads.push(match record.typehash {
                None => length.to_be_bytes().to_vec(),
                Some(hash) if self.typed => [(length | TYPED).to_be_bytes(), hash.to_be_bytes()].concat(),
                Some(_) => return Err(Error::encode(Class::HeaderField)),
            });
        }
        let pieces: Vec<&[u8]> =
            heads.iter().zip(records).flat_map(|(head, record)| [&head[..], &record.data[..]]).collect();
        LEN64.encode(0, &pieces, self.limit)
    }
}

fn take_u64(rest: &mut &[u8]) -> Option<u64> {
    let (word, behind) = (rest.get(..8)?, rest.get(8..)?);
    *rest = behind;
    Some(u64::from_be_bytes(word.try_into().ok()?))
}
