# Generated from spec/layouts/grpc-lpm.json by scripts/layouts/generate.ts. Limits are the reader's to set.
meta:
  id: tensorwire_grpc_lpm
  title: grpc-lpm of tensorwire
  license: Apache-2.0
  ks-version: "0.10"
  endian: be
doc: "A prefix of 5 bytes before each payload: a flag and a length."
doc-ref: spec/framing.md
seq:
  - id: messages
    type: message
    repeat: eos
types:
  message:
    seq:
      - id: flag
        type: u1
        enum: flag
        valid:
          any-of:
            - flag::plain
        doc: compression flag; only 0 is accepted here
      - id: length
        type: u4
        doc: "payload bytes, unsigned, big-endian"
      - id: payload
        size: length
        doc: the message
enums:
  flag:
    0: plain
    1: compressed
