//! Cases derived by hand from `spec/framing.md` and `spec/tp-control.md`.

use super::*;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// What reads of a stream come to: messages, and the error of the reads or of the end.
fn feed<P: Parse>(parser: P, reads: &[&[u8]]) -> (Vec<P::Message>, Option<Error>) {
    let (mut decoder, mut messages) = (Decoder::new(parser), Vec::new());
    for read in reads {
        decoder.feed(read);
        for item in decoder.by_ref() {
            match item {
                Ok(message) => messages.push(message),
                Err(error) => return (messages, Some(error)),
            }
        }
    }
    let end = decoder.end();
    (messages, end.err())
}

fn error(class: Class, at: u64) -> Option<Error> {
    Some(Error { class, at })
}

#[test]
fn every_cut_yields_the_same_messages_and_every_end_names_its_place() {
    for (framing, prefix, text) in [
        (LEN32, 4, "0000000568656c6c6f000000000000000121"),
        (LEN64, 8, "000000000000000568656c6c6f0000000000000000000000000000000121"),
        (LEN56_TAGGED, 8, "010000000000000568656c6c6fff00000000000000000000000000000121"),
        (GRPC_LPM, 5, "000000000568656c6c6f0000000000000000000121"),
    ] {
        let stream = unhex(text);
        for cut in 0..=stream.len() {
            let (frames, end) = feed((framing, 1024), &[&stream[..cut], &[], &stream[cut..]]);
            let payloads: Vec<_> = frames.iter().map(|frame| frame.payload.as_slice()).collect();
            assert_eq!((payloads, end), (vec![b"hello".as_slice(), b"", b"!"], None), "{framing:?} cut at {cut}");
        }
        for cut in 1..prefix + 5 {
            let class = if cut < prefix { Class::EofInPrefix } else { Class::EofInBody };
            assert_eq!(
                feed((framing, 1024), &[&stream[..cut]]).1,
                error(class, cut as u64),
                "{framing:?} ends at {cut}"
            );
        }
    }
}

#[test]
fn the_limit_is_exact_unsigned_and_judged_without_a_body() {
    assert_eq!(feed((LEN64, 5), &[&unhex("000000000000000568656c6c6f")]).1, None);
    for length in ["0000000000000006", "0000000100000000", "0020000000000001", "ffffffffffffffff"] {
        assert_eq!(feed((LEN64, 5), &[&unhex(length)]).1, error(Class::OversizeDeclared, 8), "{length}");
    }
    assert_eq!(feed((LEN32, 5), &[&unhex("80000000")]).1, error(Class::OversizeDeclared, 4));
}

#[test]
fn messages_before_an_error_are_delivered_and_nothing_after() {
    let (frames, end) = feed((LEN64, 5), &[&unhex("0000000000000001610000000000000006"), b"never read"]);
    assert_eq!((frames.len(), end), (1, error(Class::OversizeDeclared, 17)));
    let mut decoder = Decoder::new((GRPC_LPM, 5));
    decoder.feed(&[2]);
    assert!(decoder.by_ref().all(|item| item.is_err()));
    decoder.feed(&unhex("0000000000"));
    assert!(decoder.next().is_none());
    assert_eq!(decoder.end(), Err(Error { class: Class::FlagsReserved, at: 1 }));
}

#[test]
fn a_refused_encode_gives_no_byte() {
    assert_eq!(LEN32.encode(0, &[b"hel", b"lo"], 5).unwrap(), unhex("0000000568656c6c6f"));
    assert_eq!(LEN32.encode(0, &[b"hello!"], 5).unwrap_err().class, Class::OversizeDeclared);
    assert_eq!(GRPC_LPM.encode(1, &[], 5).unwrap_err().class, Class::CodecUnsupported);
}

#[test]
fn multipart_is_judged_at_the_end_of_its_frame() {
    let typed = Multipart { typed: true, limit: 1024, max_parts: 1 };
    let records = [(b"b".to_vec(), None), (b"xy".to_vec(), Some(u64::MAX))];
    let records = records.map(|(data, typehash)| Record { data, typehash });
    let stream = typed.encode(&records).unwrap();
    assert_eq!(feed(typed, &[&stream]), (vec![records.to_vec()], None));
    let none = Multipart { max_parts: 0, ..typed };
    assert_eq!(feed(none, &[&stream]).1, error(Class::OversizeDeclared, stream.len() as u64));
    let untyped = Multipart { typed: false, ..typed };
    assert_eq!(feed(untyped, &[&stream]).1, error(Class::EofInBody, stream.len() as u64));
    assert_eq!(untyped.encode(&records), Err(Error::encode(Class::HeaderField)));
}

#[test]
fn tp_headers_keep_64_bits() {
    let tp = Tp { limit: 5, max_parts: 1 };
    let header = Header {
        call_id: 9_007_199_254_740_993,
        chunk_index: i64::MIN,
        control_epoch: 7,
        cache_epoch: -1,
        action: Action::Noop,
    };
    let message = TpMessage { header, records: Vec::new() };
    let mut stream = tp.encode(&message).unwrap();
    assert_eq!(feed(tp, &[&stream]), (vec![message], None));
    stream[32] = 1;
    assert_eq!(feed(tp, &[&stream]).1, error(Class::EofInPrefix, 40));
    stream[36] = 1;
    assert_eq!(feed(tp, &[&stream]).1, error(Class::HeaderField, 40));
}
