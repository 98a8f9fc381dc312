# Generated from spec/layouts/len32.json by scripts/layouts/generate.ts. Limits are the reader's to set.
meta:
  id: tensorwire_len32
  title: len32 of tensorwire
  license: Apache-2.0
  ks-version: "0.10"
  endian: be
doc: A prefix of 4 bytes before each payload.
doc-ref: spec/framing.md
seq:
  - id: messages
    type: message
    repeat: eos
types:
  message:
    seq:
      - id: length
        type: u4
        doc: "payload bytes, unsigned, big-endian"
      - id: payload
        size: length
        doc: the message
