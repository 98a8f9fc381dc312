# Generated from spec/layouts/multipart-typed.json by scripts/layouts/generate.ts. Limits are the reader's to set.
meta:
  id: tensorwire_multipart_typed
  title: multipart-typed of tensorwire
  license: Apache-2.0
  ks-version: "0.10"
  endian: be
doc: "As multipart, with an optional type hash for each record."
doc-ref: spec/framing.md
seq:
  - id: messages
    type: message
    repeat: eos
types:
  body_record:
    seq:
      - id: typed
        type: b1
      - id: body_length_high
        type: b31
        doc: "bit 63: a type hash follows; the rest: bytes of the body"
      - id: body_length_low
        type: u4
      - id: typehash
        if: typed
        type: u8
        doc: type hash of the record
      - id: body
        size: body_length
        doc: the body
    instances:
      body_length:
        value: body_length_high * 4294967296 + body_length_low
  part_record:
    seq:
      - id: typed
        type: b1
      - id: part_length_high
        type: b31
        doc: "bit 63: a type hash follows; the rest: bytes of a part"
      - id: part_length_low
        type: u4
      - id: typehash
        if: typed
        type: u8
        doc: type hash of the record
      - id: part
        size: part_length
        doc: a part
    instances:
      part_length:
        value: part_length_high * 4294967296 + part_length_low
  payload:
    seq:
      - id: body_record
        type: body_record
      - id: part_records
        type: part_record
        repeat: eos
  message:
    seq:
      - id: length
        type: u8
        doc: "bytes of the frame's payload, record headers included"
      - id: payload
        size: length
        type: payload
