//! The JSON form of each profile's messages: the table "Values" of `spec/iut-protocol.md`.

use serde_json::{json, Map, Value};
use sha2::{Digest, Sha256};

use crate::wire::{
    Action, Class, Decoder, Error, Frame, Framing, Header, Multipart, Parse, Record, Tp, TpMessage, GRPC_LPM, LEN32,
    LEN56_TAGGED, LEN64,
};

pub const PROFILES: [&str; 7] = ["len32", "len64", "len56-tagged", "grpc-lpm", "multipart", "multipart-typed", "tp"];
/// What a length may say.
pub const MAX_FRAME: u64 = u64::MAX;
/// What a case may have us build.
const MAX_BUILT: usize = 1 << 30;
const MAX_HEX: usize = 4096;
const IDS: [&str; 4] = ["call_id", "chunk_index", "control_epoch", "cache_epoch"];

/// Why a case has no result.
pub enum Failure {
    /// The reason: profile, role, limit, step or operation.
    Declined(&'static str),
    Errored(String),
}

/// What an encoder answers: bytes, or a refusal, which is an answer too.
pub type Encoded = Result<Result<Vec<u8>, Error>, Failure>;

/// One connection of a profile, its messages shown as JSON.
pub trait Stream {
    /// One read. Messages, then perhaps an error.
    fn feed(&mut self, chunk: &[u8]) -> Result<Vec<Result<Value, Error>>, Failure>;
    fn end(&mut self) -> Result<(), Error>;
}

struct Shown<P: Parse>(Decoder<P>, fn(P::Message) -> Result<Value, Failure>);

impl<P: Parse> Stream for Shown<P> {
    fn feed(&mut self, chunk: &[u8]) -> Result<Vec<Result<Value, Error>>, Failure> {
        self.0.feed(chunk);
        let show = self.1;
        self.0.by_ref().map(|item| item.map(show).map_or_else(|error| Ok(Err(error)), |shown| shown.map(Ok))).collect()
    }

    fn end(&mut self) -> Result<(), Error> {
        self.0.end()
    }
}

/// A profile under the limits of a case.
#[derive(Clone, Copy)]
pub enum Codec {
    Frames(Framing, Option<&'static str>, u64),
    Multipart(Multipart),
    Tp(Tp),
}

impl Codec {
    pub fn new(profile: &str, limit: u64, max_parts: u64) -> Option<Codec> {
        Some(match profile {
            "len32" => Codec::Frames(LEN32, None, limit),
            "len64" => Codec::Frames(LEN64, None, limit),
            "len56-tagged" => Codec::Frames(LEN56_TAGGED, Some("tag"), limit),
            "grpc-lpm" => Codec::Frames(GRPC_LPM, Some("flag"), limit),
            "multipart" => Codec::Multipart(Multipart { typed: false, limit, max_parts }),
            "multipart-typed" => Codec::Multipart(Multipart { typed: true, limit, max_parts }),
            "tp" => Codec::Tp(Tp { limit, max_parts }),
            _ => return None,
        })
    }

    pub fn open(self) -> Box<dyn Stream> {
        match self {
            Codec::Frames(framing, None, limit) => {
                Box::new(Shown(Decoder::new((framing, limit)), |f| Ok(json!({ "payload": show(&f.payload) }))))
            }
            Codec::Frames(framing, Some("tag"), limit) => {
                Box::new(Shown(Decoder::new((framing, limit)), |f: Frame| {
                    Ok(json!({ "tag": f.lead, "payload": show(&f.payload) }))
                }))
            }
            Codec::Frames(framing, Some(_), limit) => Box::new(Shown(Decoder::new((framing, limit)), |f: Frame| {
                Ok(json!({ "flag": f.lead, "payload": show(&f.payload) }))
            })),
            Codec::Multipart(multipart) => Box::new(Shown(Decoder::new(multipart), show_records)),
            Codec::Tp(tp) => Box::new(Shown(Decoder::new(tp), show_tp)),
        }
    }

    pub fn encode(self, value: &Value) -> Encoded {
        match self {
            Codec::Frames(framing, name, limit) => {
                let lead = match name.map(|name| &value[name]) {
                    None => 0,
                    Some(lead) => match lead.as_u64().and_then(|lead| u8::try_from(lead).ok()) {
                        Some(lead) => lead,
                        // What a byte cannot hold never reaches the encoder: its type refuses it.
                        None if name == Some("flag") => return Ok(Err(Error::encode(Class::FlagsReserved))),
                        None => return Ok(Err(Error::encode(Class::HeaderField))),
                    },
                };
                Ok(match load(&value["payload"], limit)? {
                    Ok(payload) => framing.encode(lead, &[&payload], limit),
                    Err(error) => Err(error),
                })
            }
            Codec::Multipart(multipart) => {
                let parts = value["parts"].as_array().ok_or_else(|| errored("parts is no list"))?;
                let mut records = Vec::new();
                for part in std::iter::once(&value["body"]).chain(parts) {
                    match load_record(part, multipart.limit)? {
                        Ok(record) => records.push(record),
                        Err(error) => return Ok(Err(error)),
                    }
                }
                Ok(multipart.encode(&records))
            }
            Codec::Tp(tp) => encode_tp(tp, value),
        }
    }
}

pub fn errored(text: impl ToString) -> Failure {
    Failure::Errored(text.to_string())
}

/// Hex, or a run of one byte that is judged by its count before it is built.
fn load(value: &Value, limit: u64) -> Encoded {
    if let Some(text) = value.as_str() {
        return from_hex(text).map(Ok);
    }
    let fill = &value["fill"];
    if fill["count"].as_u64().is_some_and(|count| count > limit) {
        return Ok(Err(Error::encode(Class::OversizeDeclared)));
    }
    from_fill(fill).map(Ok)
}

pub fn from_fill(fill: &Value) -> Result<Vec<u8>, Failure> {
    let byte = fill["byte"].as_u64().and_then(|byte| u8::try_from(byte).ok());
    let count = fill["count"].as_u64().and_then(|count| usize::try_from(count).ok());
    match (byte, count) {
        (_, Some(count)) if count > MAX_BUILT => Err(Failure::Declined("limit")),
        (Some(byte), Some(count)) => Ok(vec![byte; count]),
        _ => Err(errored(format!("no fill: {fill}"))),
    }
}

pub fn from_hex(text: &str) -> Result<Vec<u8>, Failure> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    let pairs = text.as_bytes().chunks(2);
    let bytes = pairs.map(|pair| Some((digit(pair[0])? << 4 | digit(*pair.get(1)?)?) as u8)).collect::<Option<_>>();
    bytes.ok_or_else(|| errored("no hex"))
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Hex, or length and digest of more than 4,096 bytes.
fn show(data: &[u8]) -> Value {
    if data.len() <= MAX_HEX {
        return json!(to_hex(data));
    }
    json!({ "length": data.len(), "sha256": to_hex(&Sha256::digest(data)) })
}

pub fn bytes_event(data: &[u8]) -> Value {
    match show(data) {
        Value::Object(digest) => json!({ "event": "bytes", "length": digest["length"], "sha256": digest["sha256"] }),
        hex => json!({ "event": "bytes", "hex": hex }),
    }
}

pub fn error_event(error: Error, fatal: bool) -> Value {
    json!({ "event": "error", "class": error.class.name(), "at": error.at.to_string(), "fatal": fatal })
}

fn load_record(part: &Value, limit: u64) -> Result<Result<Record, Error>, Failure> {
    let (bytes, typehash) = match &part["typehash"] {
        Value::String(text) => match text.parse() {
            Ok(hash) => (&part["bytes"], Some(hash)),
            Err(_) => return Ok(Err(Error::encode(Class::HeaderField))),
        },
        _ => (part, None),
    };
    Ok(load(bytes, limit)?.map(|data| Record { data, typehash }))
}

fn show_records(records: Vec<Record>) -> Result<Value, Failure> {
    let mut shown = records.iter().map(|record| match record.typehash {
        None => show(&record.data),
        Some(hash) => json!({ "typehash": hash.to_string(), "bytes": show(&record.data) }),
    });
    let body = shown.next();
    Ok(json!({ "body": body, "parts": shown.collect::<Vec<_>>() }))
}

fn show_tp(message: TpMessage) -> Result<Value, Failure> {
    if !message.records.is_empty() {
        return Err(Failure::Declined("operation")); // this port cuts manifests out, and does not read them
    }
    let h = message.header;
    let ids = [h.call_id, h.chunk_index, h.control_epoch, h.cache_epoch];
    let mut header: Map<_, _> =
        IDS.iter().zip(ids).map(|(name, id)| (name.to_string(), json!(id.to_string()))).collect();
    let action = ["NOOP", "INFER", "SHUTDOWN"][h.action as usize];
    header.insert("action".into(), json!(action));
    Ok(json!({ "header": header }))
}

fn encode_tp(tp: Tp, value: &Value) -> Encoded {
    let header = &value["header"];
    let action = match header["action"].as_str() {
        Some("NOOP") => Action::Noop,
        Some("INFER") => Action::Infer,
        Some("SHUTDOWN") => Action::Shutdown,
        _ => return Ok(Err(Error::encode(Class::HeaderField))),
    };
    let mut ids = [0i64; 4];
    for (id, name) in ids.iter_mut().zip(IDS) {
        match header[name].as_str().and_then(|text| text.parse().ok()) {
            Some(value) => *id = value,
            None => return Ok(Err(Error::encode(Class::HeaderField))),
        }
    }
    let [call_id, chunk_index, control_epoch, cache_epoch] = ids;
    let payload = value.get("manifest").or(value.get("tensors")).is_some();
    let records = if payload { vec![Record { data: Vec::new(), typehash: None }] } else { Vec::new() };
    let header = Header { call_id, chunk_index, control_epoch, cache_epoch, action };
    match tp.encode(&TpMessage { header, records }) {
        Ok(_) if payload => Err(Failure::Declined("operation")),
        encoded => Ok(encoded),
    }
}
