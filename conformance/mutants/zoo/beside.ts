import type { Mutant } from "../mutant.ts";

const DECODER = "packages/framing/src/frame-decoder.ts";

/** What is right as long as one connection is open: seen by the probe beside. */
export const BESIDE: readonly Mutant[] = [
  {
    id: "beside/prefix-is-static",
    rules: ["iut.probe.beside.own"],
    file: DECODER,
    find: "readonly #prefix = new Uint8Array(8);",
    replace: "static readonly #scratch = new Uint8Array(8);\n  readonly #prefix = FrameDecoder.#scratch;",
    why: "A prefix that is not whole yet lies where the other connections put theirs.",
  },
  {
    id: "beside/error-of-all",
    rules: ["iut.probe.beside.end"],
    file: DECODER,
    find: "#error: WireError | null = null;",
    replace: `static #failed: WireError | null = null;
  readonly #begun = (FrameDecoder.#failed = null);
  get #error(): WireError | null {
    return FrameDecoder.#failed;
  }
  set #error(error: WireError | null) {
    FrameDecoder.#failed = error;
  }`,
    why: "The error of one connection is the error of all that are open, until another begins.",
  },
  {
    id: "beside/session-is-static",
    rules: ["iut.probe.beside.own", "iut.probe.beside.end"],
    file: "packages/tp-control/src/session.ts",
    find: "#last: TpHeader | null = null;",
    replace: `static #before: TpHeader | null = null;
  readonly #begun = (SessionOrder.#before = null);
  get #last(): TpHeader | null {
    return SessionOrder.#before;
  }
  set #last(header: TpHeader | null) {
    SessionOrder.#before = header;
  }`,
    why: "Ids and epochs are judged by the message before on any connection, and forgotten when another begins.",
  },
];
