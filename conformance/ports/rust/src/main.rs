//! The Rust port's shim: it speaks the IUT protocol (`spec/iut-protocol.md`, level 1) for the codecs in `wire/`.

mod values;
mod wire;

use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{json, Map, Value};
use values::{bytes_event, error_event, errored, from_fill, from_hex, Codec, Failure, MAX_FRAME, PROFILES};

fn run_case(request: &Value) -> Result<Vec<Vec<Value>>, Failure> {
    let (mut limit, mut max_parts) = (MAX_FRAME, u64::MAX);
    for (name, text) in request["limits"].as_object().into_iter().flatten() {
        let value = text.as_str().and_then(|text| text.parse().ok()).ok_or_else(|| errored("no limit"))?;
        match name.as_str() {
            "max_frame_length" => limit = value,
            "max_parts" => max_parts = value,
            _ => return Err(Failure::Declined("limit")),
        }
    }
    let profile = request["profile"].as_str().unwrap_or_default();
    let codec = Codec::new(profile, limit, max_parts).ok_or(Failure::Declined("profile"))?;
    let role = request["role"].as_str().filter(|role| ["decode", "encode"].contains(role));
    let role = role.ok_or(Failure::Declined("role"))?;
    let (mut stream, mut told, mut lists) = (codec.open(), false, Vec::new());
    for step in request["steps"].as_array().into_iter().flatten() {
        let fields = step.as_object().filter(|fields| fields.len() == 1);
        let (kind, value) = fields.and_then(|fields| fields.iter().next()).ok_or(Failure::Declined("step"))?;
        let mut events = Vec::new();
        let mut error = None;
        match (role, kind.as_str()) {
            (_, "reset") => (stream, told) = (codec.open(), false),
            ("encode", "encode") => events.push(match codec.encode(value)? {
                Ok(bytes) => bytes_event(&bytes),
                Err(error) => error_event(error, false),
            }),
            ("decode", "eof") => match stream.end() {
                Ok(()) => events.push(json!({ "event": "end" })),
                Err(found) => error = Some(found),
            },
            // One feed is one read.
            ("decode", "feed" | "feed_fill") => {
                let chunk = value.as_str().map_or_else(|| from_fill(value), from_hex)?;
                for item in stream.feed(&chunk)? {
                    match item {
                        Ok(message) => events.push(json!({ "event": "message", "value": message })),
                        Err(found) => error = Some(found),
                    }
                }
            }
            _ => return Err(Failure::Declined("step")),
        }
        events.extend(error.filter(|_| !told).map(|error| error_event(error, true))); // told once
        told |= error.is_some();
        lists.push(events);
    }
    Ok(lists)
}

fn answer(request: &Value) -> Value {
    let seq = &request["seq"];
    match if request["op"] == "case" { run_case(request) } else { Err(Failure::Declined("operation")) } {
        Ok(lists) => json!({ "op": "result", "seq": seq, "steps": lists }),
        Err(Failure::Declined(reason)) => json!({ "op": "declined", "seq": seq, "reason": reason }),
        Err(Failure::Errored(text)) => json!({ "op": "errored", "seq": seq, "text": text }),
    }
}

fn serve(mut reader: impl BufRead, mut writer: impl Write) -> io::Result<()> {
    let declared = json!({ "roles": ["decode", "encode"], "max_frame_length": MAX_FRAME.to_string() });
    let profiles: Map<_, _> = PROFILES.iter().map(|name| (name.to_string(), declared.clone())).collect();
    let iut = json!({ "name": "tensorwire-rust", "version": "1", "language": "rust" });
    let token = env::var("TENSORWIRE_TOKEN").unwrap_or_default();
    let hello = json!({ "op": "hello", "protocol": 1, "token": token, "iut": iut, "profiles": profiles,
        "capabilities": [], "error_granularity": "class" });
    writer.write_all(format!("{hello}\n").as_bytes())?;
    loop {
        let mut line = Vec::new();
        reader.by_ref().take(8 << 20).read_until(b'\n', &mut line)?;
        let request: Value = if line.is_empty() { json!({ "op": "bye" }) } else { serde_json::from_slice(&line)? };
        match request["op"].as_str() {
            Some("bye") => return Ok(()),
            Some("welcome") => {}
            _ => writer.write_all(format!("{}\n", answer(&request)).as_bytes())?,
        }
    }
}

fn main() -> io::Result<()> {
    if env::args().any(|word| word == "--stdio") {
        return serve(io::stdin().lock(), io::stdout());
    }
    let address = env::var("TENSORWIRE_ADDR").map_err(io::Error::other)?;
    let link = TcpStream::connect(address)?;
    serve(BufReader::new(link.try_clone()?), link)
}
