# Generated from spec/layouts/tp.json by scripts/layouts/generate.ts. Limits are the reader's to set.
meta:
  id: tensorwire_tp
  title: tp of tensorwire
  license: Apache-2.0
  ks-version: "0.10"
  endian: be
doc: "A header of 40 bytes, and after INFER a len64 frame with manifest and tensors."
doc-ref: spec/tp-control.md
seq:
  - id: messages
    type: message
    repeat: eos
types:
  manifest_record:
    seq:
      - id: record_length
        type: u8
        doc: bytes of the record behind it
      - id: manifest
        size: record_length
        doc: "TPManifest, protobuf"
  tensor_record:
    seq:
      - id: record_length
        type: u8
        doc: bytes of the record behind it
      - id: tensor
        size: record_length
        doc: "elements in C order, little-endian"
  payload:
    seq:
      - id: manifest_record
        type: manifest_record
      - id: tensor_records
        type: tensor_record
        repeat: eos
  message:
    seq:
      - id: call_id
        type: s8le
        doc: names the call; grows over all actions
      - id: chunk_index
        type: s8le
        doc: position in the sequence that is generated; grows over INFER
      - id: control_epoch
        type: s8le
        doc: counts the broadcasts of the leader
      - id: cache_epoch
        type: s8le
        doc: "counts the hard cuts: each one empties every worker's cache"
      - id: action
        type: s8le
        enum: action
        valid:
          any-of:
            - action::noop
            - action::infer
            - action::shutdown
        doc: "NOOP 0, INFER 1, SHUTDOWN 2"
      - id: length
        if: action == action::infer
        type: u8
        doc: "bytes of the frame's payload"
      - id: payload
        if: action == action::infer
        size: length
        type: payload
enums:
  action:
    0: noop
    1: infer
    2: shutdown
