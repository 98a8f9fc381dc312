export { parseBody } from "./body.ts";
export { decodeHeader, encodeHeader, HEADER_SIZE, TP_ACTIONS, type TpAction, type TpHeader } from "./header.ts";
export { type Decoded, HeaderDecoder, type HeaderGate, type ReadMessage } from "./header-decoder.ts";
export {
  complementsOf,
  type DecodedHello,
  HELLO_VERSION,
  type Hello,
  HelloDecoder,
  judgeHello,
  MAX_HELLO_LENGTH,
  prepareHello,
  type Role,
} from "./hello.ts";
export { TP_ENVELOPE_VERSION, type TpManifest, type TpManifestInit } from "./manifest.ts";
export { prepareTp, TpDecoder, type TpMessage, type TpMessageInit } from "./message.ts";
export { requireAbsence, requireFinite, requireTensor, type TpPlan, type VideoStep } from "./plan.ts";
export { loadProtos, type ProtoCodec } from "./proto-codec.ts";
export { SessionOrder, TpSession } from "./session.ts";
export type { StructObject, StructValue } from "./struct.ts";
