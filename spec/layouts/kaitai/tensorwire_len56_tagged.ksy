# Generated from spec/layouts/len56-tagged.json by scripts/layouts/generate.ts. Limits are the reader's to set.
meta:
  id: tensorwire_len56_tagged
  title: len56-tagged of tensorwire
  license: Apache-2.0
  ks-version: "0.10"
  endian: be
doc: "A prefix of 8 bytes before each payload: a tag and a length."
doc-ref: spec/framing.md
seq:
  - id: messages
    type: message
    repeat: eos
types:
  message:
    seq:
      - id: tag
        type: u1
        doc: "logical channel, 0 to 255"
      - id: length_high
        type: b24
        doc: "payload bytes, unsigned, big-endian"
      - id: length_low
        type: u4
      - id: payload
        size: length
        doc: the message
    instances:
      length:
        value: length_high * 4294967296 + length_low
