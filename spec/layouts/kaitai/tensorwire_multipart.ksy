# Generated from spec/layouts/multipart.json by scripts/layouts/generate.ts. Limits are the reader's to set.
meta:
  id: tensorwire_multipart
  title: multipart of tensorwire
  license: Apache-2.0
  ks-version: "0.10"
  endian: be
doc: A body and parts in one len64 frame.
doc-ref: spec/framing.md
seq:
  - id: messages
    type: message
    repeat: eos
types:
  body_record:
    seq:
      - id: body_length
        type: u8
        doc: bytes of the body
      - id: body
        size: body_length
        doc: the body
  part_record:
    seq:
      - id: part_length
        type: u8
        doc: bytes of a part
      - id: part
        size: part_length
        doc: a part
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
