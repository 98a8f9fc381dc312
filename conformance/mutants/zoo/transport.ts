import type { Mutant } from "../mutant.ts";

const WRITES = "packages/transport/src/write-queue.ts";
const READS = "packages/transport/src/read-queue.ts";
const WAITER = "packages/transport/src/waiter.ts";

/** What becomes of bytes between a codec and a sink or source: seen by the probes quota, cancel and clock. */
export const TRANSPORT: readonly Mutant[] = [
  {
    id: "quota/short-write-lost",
    rules: ["iut.probe.quota.same"],
    file: WRITES,
    find: "this.#ring.consume(Math.min(taken, this.#ring.size));",
    replace: "this.#ring.consume(Math.min(length, this.#ring.size));",
    why: "What the sink did not take of a write counts as taken.",
    defect: "oven-sh/bun#32087",
  },
  {
    id: "quota/short-write-doubled",
    rules: ["iut.probe.quota.same"],
    file: WRITES,
    find: "this.#ring.consume(Math.min(taken, this.#ring.size));",
    replace: "if (taken === length) this.#ring.consume(taken);",
    why: "A write that was taken in part is repeated whole.",
    defect: "MisterTea/EternalTerminal#815",
  },
  {
    id: "quota/sink-not-offered-again",
    rules: ["iut.probe.quota.same"],
    file: WRITES,
    find: "if (this.#ring.size > 0) this.#flush();\n  }\n\n  fail(",
    replace: "}\n\n  fail(",
    why: "When the sink takes more, what waits is not offered to it.",
  },
  {
    id: "quota/large-part-forgotten",
    rules: ["iut.probe.quota.same"],
    file: WRITES,
    find: "if (job.at < part.length) return false;",
    replace: "if (job.at < part.length && part.length < this.#host.limits.gatherBelow) return false;",
    why: "Of a large part only what the sink took at once is sent.",
    defect: "objeck/objeck-lang#670",
  },
  {
    id: "quota/second-sender-first",
    rules: ["iut.probe.quota.order"],
    file: WRITES,
    find: "if (this.#jobs.length === 0 && this.#advance(job)) return",
    replace: "if (this.#advance(job)) return",
    why: "A message that is sent while a larger one waits goes between its bytes.",
  },
  {
    id: "quota/last-first",
    rules: ["iut.probe.quota.order"],
    file: WRITES,
    find: "this.#jobs.push(job);",
    replace: "this.#jobs.unshift(job);",
    why: "Of several messages that wait the last goes first.",
  },
  {
    id: "cancel/loses-read",
    rules: ["iut.probe.cancel.nothing-lost"],
    file: READS,
    find: "this.#take()?.reject(\n      new WireError({",
    replace:
      "const { data } = this;\n    this.data = () => {\n      this.data = data;\n    };\n    this.#take()?.reject(\n      new WireError({",
    why: "What comes after a read was cancelled goes to that read, and is lost with it.",
    defect: "atusy/kakehashi#985",
  },
  {
    id: "cancel/gives-twice",
    rules: ["iut.probe.cancel.nothing-lost"],
    file: READS,
    find: "waiter.resolve(chunk);\n      return;",
    replace: "waiter.resolve(chunk);",
    why: "A chunk that a waiting read got is kept for the next one too.",
  },
  {
    id: "clock/read-waits-on",
    rules: ["iut.probe.clock.read", "iut.probe.clock.expired"],
    file: READS,
    find: "this.#waiter = new Waiter(this.#host.clock, deadlineMs, ",
    replace: "this.#waiter = new Waiter(this.#host.clock, Number.POSITIVE_INFINITY, ",
    why: "A read has no deadline.",
  },
  {
    id: "clock/write-late-by-one",
    rules: ["iut.probe.clock.write"],
    file: WRITES,
    find: "job.waiter = new Waiter(clock, deadlineMs, ",
    replace: "job.waiter = new Waiter(clock, deadlineMs + 1, ",
    why: "The deadline of a write passes one millisecond late.",
  },
  {
    id: "clock/early-by-one",
    rules: ["iut.probe.clock.read", "iut.probe.clock.write"],
    file: WAITER,
    find: "() => onDeadline(Math.round(clock.now() - start)), deadlineMs);",
    replace: "() => onDeadline(Math.round(clock.now() - start)), deadlineMs - 1);",
    why: "A deadline passes one millisecond early.",
  },
  {
    id: "clock/torn-write-goes-on",
    rules: ["tp.send.poison", "pp.send.poison", "iut.probe.clock.write"],
    file: WRITES,
    find: "if (fatal) this.#host.poison(error);",
    replace: "",
    why: "A message that was given up behind its first byte is sent on when the sink takes more.",
  },
  {
    id: "clock/write-without-deadline",
    rules: ["tp.send.poison", "pp.send.poison", "iut.probe.clock.write"],
    file: WRITES,
    find: "job.waiter = new Waiter(clock, deadlineMs, ",
    replace: "job.waiter = new Waiter(clock, Number.POSITIVE_INFINITY, ",
    why: "A write that the sink does not take waits for ever.",
  },
];
