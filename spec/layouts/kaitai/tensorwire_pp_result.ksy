# Generated from spec/layouts/pp-result.json by scripts/layouts/generate.ts. Limits are the reader's to set.
meta:
  id: tensorwire_pp_result
  title: pp-result of tensorwire
  license: Apache-2.0
  ks-version: "0.10"
  endian: be
doc: "Results: a len64 frame with result and tensors, and no header."
doc-ref: spec/pp-contract.md
seq:
  - id: messages
    type: message
    repeat: eos
types:
  result_record:
    seq:
      - id: record_length
        type: u8
        doc: bytes of the record behind it
      - id: result
        size: record_length
        doc: "PPResultV1, protobuf"
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
      - id: result_record
        type: result_record
      - id: tensor_records
        type: tensor_record
        repeat: eos
  message:
    seq:
      - id: length
        type: u8
        doc: "bytes of the frame's payload"
      - id: payload
        size: length
        type: payload
