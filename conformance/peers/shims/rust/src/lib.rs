//! Speaks level 1 of the IUT protocol for a library (`spec/iut-protocol.md`).

use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{json, Map, Value};
use sha2::{Digest, Sha256};

/// A longer run is not built to have a library refuse it: the case is declined.
const MAX_BUILT: u64 = 64 << 20;

/// What a library handed out.
pub enum Found {
    Message(Message),
    Refused(Refusal),
}

pub struct Message {
    /// In the profile's shape.
    pub value: Value,
    /// Bytes of the whole frame.
    pub size: usize,
}

/// The library's own error: the class or stage that it comes to, and its text.
pub struct Refusal(pub &'static str, pub String);

/// Why a case has no result: the reason of a decline, and what to say.
pub struct Declined(pub &'static str, pub String);

pub trait Decoder {
    /// One read.
    fn feed(&mut self, chunk: &[u8]) -> Vec<Found>;
    /// The stream ends. What the library says of it; nothing is a clean end.
    fn end(&mut self) -> Vec<Found>;
}

/// A library, as the shim asks it.
pub trait Peer {
    const NAME: &'static str;
    const VERSION: &'static str;
    /// `class` or `stage`.
    const GRANULARITY: &'static str;
    /// Profiles, each with the length of its prefix and the largest limit that the library takes.
    const PROFILES: &'static [(&'static str, usize, u64)];
    fn open(profile: &str, limits: &Limits) -> Result<Box<dyn Decoder>, Declined>;
    fn encode(profile: &str, limits: &Limits, value: &Value) -> Result<Result<Vec<u8>, Refusal>, Declined>;
}

pub struct Limits {
    pub max_frame_length: u64,
    pub max_parts: Option<u64>,
}

/// One connection: it counts bytes, since the libraries name no offsets.
struct Stream {
    decoder: Box<dyn Decoder>,
    prefix: usize,
    fed: usize,
    /// Where the frame begins that comes next: behind what was handed out.
    start: usize,
    refused: bool,
}

impl Stream {
    /// An error is told once: to repeat it is to be sticky. A message after it is told, and is wrong.
    fn events(&mut self, found: Vec<Found>) -> Vec<Value> {
        let mut events = Vec::new();
        for item in found {
            match item {
                Found::Message(Message { value, size }) => {
                    self.start += size;
                    events.push(json!({ "event": "message", "value": value }));
                }
                Found::Refused(_) if self.refused => {}
                Found::Refused(refusal) => {
                    self.refused = true;
                    let at = match refusal.0.split('.').next() {
                        Some("eof") => self.fed,
                        Some("codec" | "flags") => self.start + 1,
                        _ => self.start + self.prefix,
                    };
                    events.push(error(&refusal, at, true));
                }
            }
        }
        events
    }

    fn feed(&mut self, chunk: &[u8]) -> Vec<Value> {
        self.fed += chunk.len();
        let found = self.decoder.feed(chunk);
        self.events(found)
    }

    fn end(&mut self) -> Vec<Value> {
        let found = self.decoder.end();
        let mut events = self.events(found);
        if !self.refused {
            events.push(json!({ "event": "end" }));
        }
        events
    }
}

fn error(Refusal(word, text): &Refusal, at: usize, fatal: bool) -> Value {
    json!({ "event": "error", "class": word, "at": at.to_string(), "fatal": fatal, "text": text })
}

/// Hex, or length and digest of more than 4,096 bytes.
pub fn show(bytes: &[u8]) -> Value {
    if bytes.len() <= 4096 {
        return json!(hex::encode(bytes));
    }
    json!({ "length": bytes.len(), "sha256": hex::encode(Sha256::digest(bytes)) })
}

/// The bytes of a request: hex, or a run of one byte.
pub fn build(value: &Value) -> Result<Vec<u8>, Declined> {
    if let Some(text) = value.as_str() {
        return hex::decode(text).map_err(|error| Declined("step", error.to_string()));
    }
    let run = value.get("fill").unwrap_or(value);
    match (run["byte"].as_u64(), run["count"].as_u64()) {
        (_, Some(count)) if count > MAX_BUILT => {
            Err(Declined("limit", format!("{count} bytes are not built here for a library to refuse")))
        }
        (Some(byte), Some(count)) => Ok(vec![byte as u8; count as usize]),
        _ => Err(Declined("step", format!("no bytes: {value}"))),
    }
}

fn run_case<P: Peer>(request: &Value) -> Result<Vec<Vec<Value>>, Declined> {
    let name = request["profile"].as_str().unwrap_or_default();
    let known = P::PROFILES.iter().find(|(profile, ..)| *profile == name);
    let &(profile, prefix, most) = known.ok_or(Declined("profile", String::new()))?;
    let limit = |name: &str| request["limits"][name].as_str().and_then(|text| text.parse::<u64>().ok());
    let limits = Limits { max_frame_length: limit("max_frame_length").unwrap_or(most), max_parts: limit("max_parts") };
    if limits.max_frame_length > most {
        return Err(Declined("limit", format!("above {most}")));
    }
    let open = || P::open(profile, &limits).map(|decoder| Stream { decoder, prefix, fed: 0, start: 0, refused: false });
    let mut stream = open()?;
    let mut lists = Vec::new();
    for step in request["steps"].as_array().into_iter().flatten() {
        let step = step.as_object().and_then(|fields| fields.iter().next());
        let (kind, value) = step.ok_or(Declined("step", String::new()))?;
        lists.push(match kind.as_str() {
            "reset" => {
                stream = open()?;
                Vec::new()
            }
            "feed" | "feed_fill" => stream.feed(&build(value)?),
            "eof" => stream.end(),
            "encode" => vec![match P::encode(profile, &limits, value)? {
                Err(refusal) => error(&refusal, 0, false),
                Ok(bytes) => match show(&bytes) {
                    Value::Object(mut digest) => {
                        digest.insert("event".into(), json!("bytes"));
                        Value::Object(digest)
                    }
                    hex => json!({ "event": "bytes", "hex": hex }),
                },
            }],
            _ => return Err(Declined("step", String::new())),
        });
    }
    Ok(lists)
}

fn answer<P: Peer>(request: &Value) -> Value {
    let seq = &request["seq"];
    let case = request["op"] == "case";
    let lists = if case { run_case::<P>(request) } else { Err(Declined("operation", String::new())) };
    match lists {
        Ok(lists) => json!({ "op": "result", "seq": seq, "steps": lists }),
        Err(Declined(reason, text)) => json!({ "op": "declined", "seq": seq, "reason": reason, "text": text }),
    }
}

/// Dials back, and answers until the harness says bye.
pub fn serve<P: Peer>() -> io::Result<()> {
    let mut writer = TcpStream::connect(env::var("TENSORWIRE_ADDR").map_err(io::Error::other)?)?;
    writer.set_nodelay(true)?;
    let declared = |most: u64| json!({ "roles": ["decode", "encode"], "max_frame_length": most.to_string() });
    let profiles: Map<_, _> = P::PROFILES.iter().map(|(name, _, most)| (name.to_string(), declared(*most))).collect();
    let hello = json!({
        "op": "hello", "protocol": 1, "token": env::var("TENSORWIRE_TOKEN").unwrap_or_default(),
        "iut": { "name": P::NAME, "version": P::VERSION, "language": "rust" },
        "profiles": profiles, "capabilities": [], "error_granularity": P::GRANULARITY,
    });
    writer.write_all(format!("{hello}\n").as_bytes())?;
    for line in BufReader::new(writer.try_clone()?).lines() {
        let request: Value = serde_json::from_str(&line?)?;
        match request["op"].as_str() {
            Some("bye") => break,
            Some("welcome") => {}
            _ => writer.write_all(format!("{}\n", answer::<P>(&request)).as_bytes())?,
        }
    }
    Ok(())
}
