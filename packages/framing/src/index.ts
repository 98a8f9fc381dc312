export { checkCount } from "./caller.ts";
export { ERROR_CODES, type ErrorCode, type Fault, refusal, WireError, type WireErrorInit } from "./errors.ts";
export { FrameBatch } from "./frame-batch.ts";
export { type DecoderMemory, FrameDecoder } from "./frame-decoder.ts";
export { FrameEncoder } from "./frame-encoder.ts";
export {
  DEFAULT_MAX_PARTS,
  decodeMultipart,
  encodeMultipart,
  type MultipartMessage,
  type MultipartOptions,
  MultipartRecords,
  type Part,
} from "./multipart.ts";
export { DEFAULT_MAX_FRAME_LENGTH, FRAMING_PROFILES, type FramingOptions, type FramingProfile } from "./prefix.ts";
export { type FrameTable, MAX_BUFFER_LENGTH } from "./scan.ts";
