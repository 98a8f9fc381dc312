/**
 * The error codes of the project: one table, and API. The first group is the closed list of `spec/iut-protocol.md`, in
 * stage order; the second never travels on a conformance link and is raised by code that owns sockets and deadlines.
 */
export const ERROR_CODES = {
  "eof.in-prefix": "the stream ended inside a length prefix",
  "eof.in-header": "the stream ended inside a fixed header",
  "eof.in-body": "the stream ended inside a body",
  "oversize.declared": "a declared length or count is over the limit",
  magic: "the magic bytes are wrong",
  version: "a version that this implementation does not speak",
  "flags.reserved": "a reserved flag is set",
  "header.length": "a header or body has the wrong length or cannot be parsed",
  "header.field": "a header field has a value that it must not have",
  "codec.unsupported": "a codec that was not negotiated",
  checksum: "a checksum does not match",
  "spec.mismatch": "tensors do not match their specs, or a spec is not acceptable",
  sequence: "an id or epoch is out of order",
  trailing: "bytes after the end of a message",
  state: "an operation or message that the present state does not allow",
  "transport.refused": "the peer could not be reached, or refused the connection",
  "transport.closed": "the connection ended while something was still expected of it",
  "transport.reset": "the connection was reset",
  "transport.deadline": "a wait ran past its deadline",
  "transport.full": "a bounded buffer is full",
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

/** Whose doing the error is: bytes of the peer, a call of this process, or the connection itself. */
export type Fault = "peer" | "caller" | "transport";

export interface WireErrorInit {
  readonly code: ErrorCode;
  /** What was expected, what came, and where. */
  readonly message: string;
  /** Bytes of the stream, counted from its start, that had to be read to decide. 0 for a caller's error. */
  readonly offset?: number;
  /** True when the stream or connection cannot be used any more. */
  readonly fatal?: boolean;
  readonly fault?: Fault;
  readonly cause?: unknown;
}

/** The one error class of tensorwire. `message` starts with the code in brackets; compare `code`, never the text. */
export class WireError extends Error {
  override readonly name = "WireError";
  readonly code: ErrorCode;
  readonly offset: number;
  readonly fatal: boolean;
  readonly fault: Fault;

  constructor({ code, message, offset = 0, fatal = true, fault = "peer", cause }: WireErrorInit) {
    super(`[${code}] ${message}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.offset = offset;
    this.fatal = fatal;
    this.fault = fault;
  }
}

/** A refusal of something that this process asked for: not fatal, nothing was emitted. */
export function refusal(code: ErrorCode, message: string): WireError {
  return new WireError({ code, message, fatal: false, fault: "caller" });
}
