//! tonic's `Streaming` and `EncodeBody`, the two between HTTP body frames and messages, with a body that is polled by hand.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BufMut, Bytes};
use http_body::{Body, Frame};
use peer_shim::{build, serve, show, Declined, Decoder, Found, Limits, Message, Peer, Refusal};
use serde_json::{json, Value};
use tonic::codec::{self, DecodeBuf, EncodeBody, EncodeBuf, Streaming};
use tonic::codegen::tokio_stream::{self, Stream};
use tonic::{Code, Status};

/// Hands payloads through as they are, in place of protobuf.
struct Raw;

impl codec::Decoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

impl codec::Encoder for Raw {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, payload: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put(payload);
        Ok(())
    }
}

/// A body of one data frame for each read.
#[derive(Clone, Default)]
struct Reads(Arc<Mutex<(VecDeque<Bytes>, bool)>>);

impl Body for Reads {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut reads = self.0.lock().unwrap();
        match (reads.0.pop_front(), reads.1) {
            (Some(read), _) => Poll::Ready(Some(Ok(Frame::data(read)))),
            (None, true) => Poll::Ready(None),
            (None, false) => Poll::Pending,
        }
    }
}

/// Both judgements of the flag and a cut message have the code INTERNAL: their text alone tells them apart.
fn refusal(status: Status) -> Refusal {
    let text = status.message();
    let word = match status.code() {
        Code::OutOfRange => "oversize",
        _ if text.contains("Unexpected EOF") => "eof",
        _ if text.contains("invalid compression flag") => "flags",
        _ if text.contains("compressed-flag") => "codec",
        _ => panic!("an error that the adapter cannot name: {status:?}"),
    };
    Refusal(word, text.into())
}

struct Call {
    reads: Reads,
    messages: Streaming<Bytes>,
    over: bool,
}

impl Call {
    /// What the stream says until it waits for a read, or is over.
    fn read(&mut self) -> Vec<Found> {
        let mut found = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        while !self.over {
            match Pin::new(&mut self.messages).poll_next(&mut context) {
                Poll::Pending => break,
                Poll::Ready(None) => self.over = true,
                Poll::Ready(Some(Err(status))) => {
                    found.push(Found::Refused(refusal(status)));
                    self.over = true; // it would say so for ever
                }
                Poll::Ready(Some(Ok(payload))) => found.push(Found::Message(Message {
                    value: json!({ "flag": 0, "payload": show(&payload) }),
                    size: 5 + payload.len(),
                })),
            }
        }
        found
    }
}

impl Decoder for Call {
    fn feed(&mut self, chunk: &[u8]) -> Vec<Found> {
        self.reads.0.lock().unwrap().0.push_back(Bytes::copy_from_slice(chunk));
        self.read()
    }

    fn end(&mut self) -> Vec<Found> {
        self.reads.0.lock().unwrap().1 = true;
        self.read()
    }
}

struct Tonic;

impl Peer for Tonic {
    const NAME: &'static str = "tonic";
    const VERSION: &'static str = "0.14.9";
    const GRANULARITY: &'static str = "stage";
    const PROFILES: &'static [(&'static str, usize, u64)] = &[("grpc-lpm", 5, u32::MAX as u64)];

    fn open(_: &str, limits: &Limits) -> Result<Box<dyn Decoder>, Declined> {
        let reads = Reads::default();
        let limit = Some(limits.max_frame_length as usize);
        let messages = Streaming::new_request(Raw, reads.clone(), None, limit);
        Ok(Box::new(Call { reads, messages, over: false }))
    }

    fn encode(_: &str, limits: &Limits, value: &Value) -> Result<Result<Vec<u8>, Refusal>, Declined> {
        if value["flag"] != 0 {
            return Err(Declined("step", "the library sets the flag itself".into()));
        }
        let source = tokio_stream::once(Ok(Bytes::from(build(&value["payload"])?)));
        let mut body = Box::pin(EncodeBody::new_client(Raw, source, None, Some(limits.max_frame_length as usize)));
        let mut context = Context::from_waker(Waker::noop());
        let mut bytes = Vec::new();
        while let Poll::Ready(Some(frame)) = body.as_mut().poll_frame(&mut context) {
            match frame {
                Ok(frame) => bytes.extend(frame.into_data().unwrap_or_default()),
                Err(status) => return Ok(Err(refusal(status))),
            }
        }
        Ok(Ok(bytes))
    }
}

fn main() -> std::io::Result<()> {
    serve::<Tonic>()
}
