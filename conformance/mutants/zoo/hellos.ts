import type { Mutant } from "../mutant.ts";

const HELLO = "packages/tp-control/src/hello.ts";
const ADMISSION = "packages/pipeline/src/admission/admission.ts";
const GREET = "packages/pipeline/src/admission/greet.ts";
const RECEIVE = "packages/pipeline/src/admission/receive-hello.ts";
const ROSTER = "packages/pipeline/src/admission/roster.ts";

const hello = (mutant: Omit<Mutant, "at">): Mutant => ({ ...mutant, at: "ranks" });

/** The handshake: who is let in, and what a stranger learns. */
export const HELLOS: readonly Mutant[] = [
  hello({
    id: "hello/length-one-off",
    rules: ["link.hello.layout"],
    file: HELLO,
    find: "frames.writePrefix(frame, 0, payload.length)",
    replace: "frames.writePrefix(frame, 0, payload.length + 1)",
    why: "The prefix counts a byte more than there is.",
  }),
  hello({
    id: "hello/said-twice",
    rules: ["link.hello.first"],
    file: GREET,
    find: "await connection.write([hello], deadline.leftMs)",
    replace: "await connection.write([hello, hello], deadline.leftMs)",
    why: "The dialler says more than its Hello before it has the answer.",
  }),
  hello({
    id: "hello/refusal-without-its-class",
    rules: ["link.hello.refusal.told"],
    file: RECEIVE,
    find: "const { code, offset, fatal, fault } = cause;",
    replace: 'const { offset, fatal, fault } = cause;\n  const code = "state";',
    why: "What a side refuses is told as something else.",
  }),
  hello({
    id: "hello/version-judged-last",
    rules: ["link.hello.version-first"],
    file: HELLO,
    find: "if (version !== HELLO_VERSION) {",
    replace: "checkHello(helloCodec.decode(payload, blame), blame);\n  if (version !== HELLO_VERSION) {",
    why: "The fields are judged before the version that says what they are.",
  }),
  hello({
    id: "hello/judged-at-the-prefix",
    rules: ["link.hello.judged"],
    file: HELLO,
    find: "peerFault(batch.at(0))",
    replace: "peerFault(8)",
    why: "The fault of a Hello is placed behind its prefix.",
  }),
  hello({
    id: "hello/unknown-field-refused",
    rules: ["link.hello.unknown-fields"],
    file: "packages/tp-control/src/wire-walk.ts",
    find: "if (field === undefined) {\n",
    replace: 'if (field === undefined) {\n      if (table.size > 1) throw new Error("an unknown field");\n',
    why: "A field that is not known is refused.",
  }),
  hello({
    id: "hello/any-job",
    rules: ["link.hello.job"],
    file: HELLO,
    find: 'expect("job", own.job, theirs.job);',
    replace: "",
    why: "A rank of another job is let in.",
  }),
  hello({
    id: "hello/any-rank",
    rules: ["link.hello.rank"],
    file: HELLO,
    find: 'expect("peer_rank", own.rank, theirs.peer_rank);',
    replace: "",
    why: "A rank that wants to reach another one is let in.",
  }),
  hello({
    id: "hello/any-plan",
    rules: ["link.hello.plan"],
    file: HELLO,
    find: 'expect("plan", own.plan, theirs.plan);',
    replace: "",
    why: "Ranks with different plans are let together.",
  }),
  hello({
    id: "hello/any-weights",
    rules: ["link.hello.weights"],
    file: HELLO,
    find: 'expect("weights_digest", own.weights_digest.toHex(), theirs.weights_digest.toHex());',
    replace: "",
    why: "Ranks with different weights are let together.",
  }),
  hello({
    id: "hello/any-version",
    rules: ["link.hello.version"],
    file: HELLO,
    find: "if (version !== HELLO_VERSION) {",
    replace: "if (version < 0) {",
    why: "A Hello of another version is read as one of this.",
  }),
  hello({
    id: "hello/no-limit",
    rules: ["link.hello.limit"],
    file: HELLO,
    find: 'readonly #frames = new FrameDecoder("len64", { maxFrameLength: MAX_HELLO_LENGTH });',
    replace: 'readonly #frames = new FrameDecoder("len64");',
    why: "A Hello may be as long as any frame.",
  }),
  hello({
    id: "hello/short-instance",
    rules: ["link.hello.instance"],
    file: HELLO,
    find: "if (instance.length !== INSTANCE_LENGTH) throw",
    replace: "if (instance.length > INSTANCE_LENGTH) throw",
    why: "An instance of fifteen bytes is one.",
  }),
  hello({
    id: "hello/second-rank-1",
    rules: ["link.hello.instance.held", "link.hello.lane"],
    file: ROSTER,
    find: "const held = this.#held.get(name) ?? { instance: own, lanes: new Set() };",
    replace: "const held = { instance: own, lanes: new Set<number>() };",
    why: "A second process of the same rank is let in.",
  }),
  hello({
    id: "hello/lane-twice",
    rules: ["link.hello.lane"],
    file: ROSTER,
    find: "if (held.lanes.has(lane)) throw",
    replace: "if (lane < 0) throw",
    why: "A lane that is open is opened again.",
  }),
  hello({
    id: "hello/answered-before-judged",
    rules: ["link.hello.answer", "link.hello.refusal"],
    file: ADMISSION,
    find: "const own = this.#judge(hello, at);",
    replace:
      "await connection.write([prepareHello(helloTo(this.#identity, hello.rank, hello.lane))], deadline.leftMs);\n    const own = this.#judge(hello, at);",
    why: "A stranger is told who this is before it is judged.",
  }),
  hello({
    id: "hello/no-deadline",
    rules: ["link.hello.deadline"],
    file: RECEIVE,
    find: "return await connection.read(deadline.leftMs);",
    replace: "return await connection.read(Number.POSITIVE_INFINITY);",
    why: "A peer that never comes to its Hello's end is waited for.",
  }),
  hello({
    id: "hello/rest-lost",
    rules: ["link.hello.behind"],
    file: ADMISSION,
    find: "return { connection: withBytesFirst(connection, rest), hello };",
    replace: "return { connection: withBytesFirst(connection, rest.subarray(rest.length)), hello };",
    why: "What comes in one read with the Hello is lost.",
  }),
  hello({
    id: "hello/cut-is-nothing",
    rules: ["link.hello.cut"],
    file: RECEIVE,
    find: "if (cut !== null) throw cut;",
    replace: "",
    why: "A Hello that is cut is no error.",
  }),
];
