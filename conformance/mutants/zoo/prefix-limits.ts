import type { Mutant } from "../mutant.ts";
import { everyPrefix } from "./rules.ts";

const DECODER = "packages/framing/src/frame-decoder.ts";
const ERRORS = "packages/framing/src/errors.ts";

/** Prefix decoders that hold a length against another limit, or at another time. */
export const PREFIX_LIMITS: readonly Mutant[] = [
  {
    id: "prefix/limit-exclusive",
    rules: everyPrefix("limit.exact"),
    file: DECODER,
    find: "this.maxFrameLength = limitOf(options);",
    replace: "this.maxFrameLength = limitOf(options) - 1;",
    why: "A length equal to the limit is refused.",
  },
  {
    id: "prefix/limit-counts-prefix",
    rules: everyPrefix("limit.exact"),
    file: DECODER,
    find: "this.maxFrameLength = limitOf(options);",
    replace: "this.maxFrameLength = limitOf(options) - layout.size;",
    why: "The limit is held against prefix and payload together.",
    defect: "tokio-rs/tokio#4815, hyperium/h2#624",
  },
  {
    id: "prefix/limit-plus-one",
    rules: everyPrefix("limit.oversize"),
    file: DECODER,
    find: "this.maxFrameLength = limitOf(options);",
    replace: "this.maxFrameLength = limitOf(options) + 1;",
    why: "A length one above the limit is accepted.",
  },
  {
    id: "prefix/limit-ignored",
    rules: [...everyPrefix("limit.oversize"), ...everyPrefix("limit.before-body")],
    file: DECODER,
    find: "if (length <= this.#largest) return true;",
    replace: "if (length < 2 ** 62) return true;",
    why: "No limit is held against a length.",
    defect: "tokio-rs/tokio#333",
  },
  {
    id: "prefix/limit-of-the-fast-path",
    rules: everyPrefix("limit.oversize"),
    file: DECODER,
    find: "this.#largest,\n        batch,",
    replace: "MAX_BUFFER_LENGTH,\n        batch,",
    why: "A frame that is whole in one read passes though it is above the limit.",
  },
  {
    id: "prefix/limit-with-body",
    rules: everyPrefix("limit.before-body"),
    file: DECODER,
    find: "if (!this.#lengthAllowed(length, chunk, i, base + body)) return body;",
    replace: "if (chunk.length > body && !this.#lengthAllowed(length, chunk, i, base + body)) return body;",
    why: "A length is judged when a byte of its body is there.",
  },
  {
    id: "prefix/limit-of-split-prefix",
    rules: everyPrefix("boundary.chunking"),
    file: DECODER,
    find: "if (!this.#lengthAllowed(length, prefix, 0, base + i)) return i;",
    replace: "",
    why: "A length whose prefix came in two reads is not judged.",
  },
  {
    id: "prefix/oversize-at-frame-start",
    rules: everyPrefix("limit.before-body"),
    file: DECODER,
    find: 'this.#fail("oversize.declared", message, at, fault);',
    replace: 'this.#fail("oversize.declared", message, at - this.#prefixSize, fault);',
    why: "A refused length is reported at the start of its frame.",
  },
  {
    id: "prefix/oversize-is-truncation",
    rules: everyPrefix("limit.oversize"),
    file: DECODER,
    find: 'this.#fail("oversize.declared", message, at, fault);',
    replace: 'this.#fail("eof.in-body", message, at, fault);',
    why: "A refused length is reported as a cut body.",
  },
  {
    id: "prefix/errors-not-fatal",
    rules: [...everyPrefix("limit.oversize"), "grpc.flag.compressed", "multipart.body.required", "tp.action.unknown"],
    file: ERRORS,
    find: "fatal = true, fault",
    replace: "fatal = false, fault",
    why: "An error is reported as one after which the stream can still be used.",
  },
];
