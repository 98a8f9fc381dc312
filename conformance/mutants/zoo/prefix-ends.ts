import type { Mutant } from "../mutant.ts";
import { everyPrefix } from "./rules.ts";

const DECODER = "packages/framing/src/frame-decoder.ts";
const SLAB_LENGTH = "this.#slab.length";

/** Prefix decoders that name the end of a stream wrongly, or do not stay in their error. */
export const PREFIX_ENDS: readonly Mutant[] = [
  {
    id: "prefix/end-never-clean",
    rules: everyPrefix("eof.boundary"),
    file: DECODER,
    find: "    return null;\n  }\n\n  /** Finishes the frame",
    replace:
      '    return this.#fail("eof.in-prefix", "expected a frame", this.#offset);\n  }\n\n  /** Finishes the frame',
    why: "An end on a frame boundary is reported as a cut prefix.",
  },
  {
    id: "prefix/empty-stream-is-cut",
    rules: everyPrefix("eof.boundary"),
    file: DECODER,
    find: "if (this.#prefixHave > 0) {",
    replace: "if (this.#prefixHave > 0 || this.#offset === 0) {",
    why: "A stream of no bytes is reported as a cut prefix.",
  },
  {
    id: "prefix/cut-prefix-clean",
    rules: everyPrefix("eof.mid-prefix"),
    file: DECODER,
    find: "if (this.#prefixHave > 0) {",
    replace: "if (this.#prefixHave > 8) {",
    why: "An end inside a prefix is called clean.",
  },
  {
    id: "prefix/cut-after-one-byte-clean",
    rules: everyPrefix("eof.mid-prefix"),
    file: DECODER,
    find: "if (this.#prefixHave > 0) {",
    replace: "if (this.#prefixHave > 1) {",
    why: "An end after the first byte of a prefix is called clean.",
  },
  {
    id: "prefix/cut-prefix-is-cut-body",
    rules: everyPrefix("eof.mid-prefix"),
    file: DECODER,
    find: 'this.#fail("eof.in-prefix", message, this.#offset)',
    replace: 'this.#fail("eof.in-body", message, this.#offset)',
    why: "An end inside a prefix is reported as one inside a body.",
  },
  {
    id: "prefix/cut-body-clean",
    rules: everyPrefix("eof.mid-body"),
    file: DECODER,
    find: "if (this.#bodyLength >= 0) {\n      const message",
    replace: "if (this.#bodyLength < -1) {\n      const message",
    why: "An end inside a body is called clean.",
  },
  {
    id: "prefix/cut-before-body-clean",
    rules: everyPrefix("eof.mid-body"),
    file: DECODER,
    find: "if (this.#bodyLength >= 0) {\n      const message",
    replace: `if (this.#bodyLength >= 0 && ${SLAB_LENGTH} > 0) {\n      const message`,
    why: "An end right after a prefix is called clean.",
  },
  {
    id: "prefix/cut-body-at-frame-start",
    rules: everyPrefix("eof.mid-body"),
    file: DECODER,
    find: 'this.#fail("eof.in-body", message, this.#offset)',
    replace: `this.#fail("eof.in-body", message, this.#offset - ${SLAB_LENGTH})`,
    why: "A cut body is reported where it began, not where the stream ended.",
  },
  {
    id: "prefix/cut-body-delivered",
    rules: everyPrefix("eof.mid-body"),
    file: DECODER,
    find: 'this.#fail("eof.in-body", message, this.#offset)',
    replace: 'this.#fail("eof.in-prefix", message, this.#offset)',
    why: "An end inside a body is reported as one inside a prefix.",
  },
  {
    id: "prefix/error-not-kept",
    rules: everyPrefix("error.sticky"),
    file: DECODER,
    find: "batch.error = this.#error;",
    replace: "batch.error = this.#error;\n    this.#error = null;",
    why: "After a refused length the decoder goes on in the middle of the refused body.",
    defect: "google/capsem#128",
  },
  {
    id: "prefix/error-told-each-read",
    rules: everyPrefix("error.sticky"),
    file: DECODER,
    find: "batch.error = this.#error;",
    replace:
      "if (this.#error !== null) {\n      const { code, message, offset } = this.#error;\n      this.#error = new WireError({ code, message, offset });\n    }\n    batch.error = this.#error;",
    why: "One bad prefix is reported anew with every read that follows.",
    defect: "kaeawc/auto-mobile#4225",
  },
  {
    id: "prefix/end-clean-after-error",
    rules: everyPrefix("error.sticky"),
    file: DECODER,
    find: "if (this.#error !== null) return this.#error;",
    replace: "if (this.#error !== null) return null;",
    why: "After an error the end of the stream is called clean.",
  },
  {
    id: "prefix/error-drops-batch",
    rules: everyPrefix("error.delivered-before"),
    file: DECODER,
    find: "batch.error = this.#error;",
    replace: "if (this.#error !== null) batch.count = 0;\n    batch.error = this.#error;",
    why: "An error swallows the messages that came before it in the same read.",
  },
];
