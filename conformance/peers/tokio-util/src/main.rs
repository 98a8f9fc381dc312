//! tokio-util's `LengthDelimitedCodec`, driven as `Framed` drives it: `decode` until it wants more, `decode_eof` at the end.

use bytes::{Bytes, BytesMut};
use peer_shim::{build, serve, show, Declined, Decoder, Found, Limits, Message, Peer, Refusal};
use serde_json::{json, Value};
use std::io::{Error, ErrorKind};
use tokio_util::codec::{Decoder as _, Encoder as _, LengthDelimitedCodec};

struct TokioUtil;

fn codec(profile: &str, limits: &Limits) -> (usize, LengthDelimitedCodec) {
    let width = if profile == "len32" { 4 } else { 8 };
    let limit = limits.max_frame_length as usize;
    (width, LengthDelimitedCodec::builder().length_field_length(width).max_frame_length(limit).new_codec())
}

/// A length above the maximum is `InvalidData` in the decoder and `InvalidInput` in the encoder. An end that is not clean is of
/// the kind `Other`, and does not say where it fell.
fn refusal(error: Error) -> Refusal {
    let word = match error.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput => "oversize",
        _ => "eof",
    };
    Refusal(word, error.to_string())
}

struct Reader {
    width: usize,
    codec: LengthDelimitedCodec,
    buffer: BytesMut,
}

impl Reader {
    fn read(
        &mut self,
        next: fn(&mut LengthDelimitedCodec, &mut BytesMut) -> Result<Option<BytesMut>, Error>,
    ) -> Vec<Found> {
        let mut found = Vec::new();
        loop {
            match next(&mut self.codec, &mut self.buffer) {
                Ok(None) => return found,
                Ok(Some(payload)) => found.push(Found::Message(Message {
                    value: json!({ "payload": show(&payload) }),
                    size: self.width + payload.len(),
                })),
                Err(error) => {
                    found.push(Found::Refused(refusal(error)));
                    return found;
                }
            }
        }
    }
}

impl Decoder for Reader {
    fn feed(&mut self, chunk: &[u8]) -> Vec<Found> {
        self.buffer.extend_from_slice(chunk);
        self.read(|codec, buffer| codec.decode(buffer))
    }

    fn end(&mut self) -> Vec<Found> {
        self.read(|codec, buffer| codec.decode_eof(buffer))
    }
}

impl Peer for TokioUtil {
    const NAME: &'static str = "tokio-util";
    const VERSION: &'static str = "0.7.20";
    const GRANULARITY: &'static str = "stage";
    /// The codec takes any `usize` for its maximum, and reserves what a prefix declares: with one far above the machine's memory, eight
    /// bytes of input end the process. The harness starts an IUT nine times and no more, so the declared maximum stays below that.
    const PROFILES: &'static [(&'static str, usize, u64)] =
        &[("len32", 4, u32::MAX as u64), ("len64", 8, u32::MAX as u64)];

    fn open(profile: &str, limits: &Limits) -> Result<Box<dyn Decoder>, Declined> {
        let (width, codec) = codec(profile, limits);
        Ok(Box::new(Reader { width, codec, buffer: BytesMut::new() }))
    }

    fn encode(profile: &str, limits: &Limits, value: &Value) -> Result<Result<Vec<u8>, Refusal>, Declined> {
        let payload = Bytes::from(build(&value["payload"])?);
        let mut frame = BytesMut::new();
        let encoded = codec(profile, limits).1.encode(payload, &mut frame);
        Ok(encoded.map(|()| frame.to_vec()).map_err(refusal))
    }
}

fn main() -> std::io::Result<()> {
    serve::<TokioUtil>()
}
