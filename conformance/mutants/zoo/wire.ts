import type { Mutant } from "../mutant.ts";
import { everyPrefix } from "./rules.ts";

const DECODER = "packages/framing/src/frame-decoder.ts";
const STREAM = "packages/transport/src/stream-connection.ts";
const READS = "packages/transport/src/read-queue.ts";
const WRITES = "packages/transport/src/write-queue.ts";
const SOCKET = "packages/transport/src/socket-link.ts";

const wire = (mutant: Omit<Mutant, "at">): Mutant => ({ ...mutant, at: "wire" });

/** What shows on connections alone: several at once, peers that do not read, and the ways in which they end. */
export const WIRE: readonly Mutant[] = [
  wire({
    id: "wire/prefix-shared",
    rules: ["iut.wire.connections", ...everyPrefix("state.isolated")],
    by: ["wire/*/distinct-prefixes"],
    file: DECODER,
    find: "readonly #prefix = new Uint8Array(8);",
    replace: "static readonly #shared = new Uint8Array(8);\n  readonly #prefix = FrameDecoder.#shared;",
    why: "All connections keep the prefix that is not whole yet in one place.",
  }),
  wire({
    id: "wire/pieces-shared",
    rules: ["iut.wire.connections", ...everyPrefix("state.isolated")],
    by: ["wire/*/two-connections", "wire/*/eight-connections"],
    file: DECODER,
    find: "readonly #slab = new Slab();",
    replace: "static readonly #shared = new Slab();\n  readonly #slab = FrameDecoder.#shared;",
    why: "All connections gather their payloads in one buffer.",
  }),
  wire({
    id: "wire/lost-with-another",
    rules: ["iut.wire.connections"],
    by: ["wire/*/reset-of-another"],
    file: SOCKET,
    find: "socket.data = connection;",
    replace:
      "socket.data = connection;\n  const others = (adopt.others ??= new Set());\n  others.add(connection);\n  void connection.closed.then(() => {\n    for (const other of others) other.abort();\n    others.clear();\n  });",
    why: "A connection that is lost takes all others with it.",
  }),
  wire({
    id: "wire/never-held-back",
    rules: ["iut.wire.read-bounded"],
    file: READS,
    find: "link.pause();",
    replace: "",
    why: "Whatever comes is read, though nobody takes it.",
  }),
  wire({
    id: "wire/not-resumed",
    rules: ["iut.wire.read-bounded"],
    file: READS,
    find: "link.resume();",
    replace: "",
    why: "A connection that was held back is not read again when there is room.",
    defect: "oven-sh/bun#32087",
  }),
  wire({
    id: "wire/not-drained",
    rules: ["iut.wire.send-bounded"],
    file: SOCKET,
    find: "drain: (socket) => socket.data?.onDrain(),",
    replace: "drain: () => {},",
    why: "What the peer did not take at once is never sent.",
  }),
  wire({
    id: "wire/never-waits",
    rules: ["iut.wire.send-bounded"],
    by: ["wire/*/peer-stops-reading", "wire/*/peer-never-reads"],
    file: WRITES,
    find: "    this.#jobs.push(job);\n    return job.waiter.promise;",
    replace: "    this.#jobs.push({ ...job, parts: parts.map((part) => part.slice()) });\n    return DONE;",
    why: "A write that the peer does not take is kept, and the next one may come.",
  }),
  wire({
    id: "wire/kept-many-times",
    rules: ["iut.wire.resident"],
    by: ["wire/*/peer-never-reads"],
    file: WRITES,
    find: "    this.#jobs.push(job);",
    replace:
      "    this.kept = Array.from({ length: 8192 }, () => parts.map((part) => part.slice()));\n    this.#jobs.push(job);",
    why: "What waits for the peer is kept thousands of times over, and counted once.",
  }),
  wire({
    id: "wire/waiting-read-lost",
    rules: ["iut.wire.read-bounded"],
    file: READS,
    find: "this.#chunks.push(chunk);",
    replace: "this.#chunks[0] = chunk;",
    why: "Of the reads that wait to be taken only the last is kept.",
  }),
  wire({
    id: "wire/half-close-is-close",
    rules: ["iut.wire.half-close"],
    by: ["wire/*/answer-after-end"],
    file: STREAM,
    find: "this.#reader.end();\n  }\n\n  onClose(",
    replace: "this.#reader.end();\n    void this.end().catch(() => {});\n  }\n\n  onClose(",
    why: "The end of the peer's direction is taken for the end of both.",
  }),
  wire({
    id: "wire/end-unseen",
    rules: ["iut.wire.half-close"],
    file: SOCKET,
    find: "end: (socket) => socket.data?.onEnd(),",
    replace: "end: (socket) => socket.terminate(),",
    why: "The end of the peer's direction drops the connection.",
  }),
  wire({
    id: "wire/end-drops",
    rules: ["iut.wire.close"],
    by: ["wire/*/end-of-ours"],
    file: STREAM,
    find: "this.#link.shutdown();",
    replace: "this.#link.terminate();",
    why: "An end takes along what is under way in either direction.",
  }),
  wire({
    id: "wire/reset-is-end",
    rules: ["iut.wire.reset"],
    file: STREAM,
    find: "if (this.#shut && cause === undefined) this.#reader.end();",
    replace: "this.#reader.end();",
    why: "A reset is told as the end of the stream.",
  }),
  wire({
    id: "wire/drop-is-end",
    rules: ["iut.wire.close"],
    by: ["wire/*/reset-by-us"],
    file: SOCKET,
    find: "this.#socket.terminate();",
    replace: "this.#socket.end();",
    why: "A connection that is dropped looks ended in order to the peer.",
  }),
  wire({
    id: "wire/refused-stays-open",
    rules: ["iut.wire.refusal"],
    file: STREAM,
    find: "this.#writer.end();\n    return waiter.promise;\n  }\n\n  abort(",
    replace: "return waiter.promise;\n  }\n\n  abort(",
    why: "A connection whose stream is refused is left open.",
  }),
];
