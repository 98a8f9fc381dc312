import type { Mutant } from "../mutant.ts";

const STAGE = "packages/pipeline/src/tp-group/group-stage.ts";
const ANSWERS = "packages/pipeline/src/tp-group/answers.ts";
const LEADER = "packages/pipeline/src/tp-group/leader.ts";
const WORKER = "packages/pipeline/src/tp-group/worker.ts";

/** Leaders, workers and stages at work: who is left waiting when one of them fails. */
export const GROUPS: readonly Mutant[] = [
  {
    id: "group/left-behind-by-stage",
    rules: ["pp-session.rebroadcast", "iut.rank.stage-lost"],
    at: "ranks",
    // Where the driver ends or is reset, the look-ahead ends the group too.
    by: ["wire/pp-session/stage-envelope-*", "wire/pp-session/stage-driver-silence-*"],
    file: STAGE,
    find: "await Promise.all([leader.terminate(lost), stage.end(lost)]);",
    replace: "await stage.end(lost);",
    why: "A stage that ends says nothing to its group.",
  },
  {
    id: "group/no-error-result",
    rules: ["pp.result.exactly-one"],
    at: "ranks",
    by: ["wire/pp-session/stage-worker-*-at-work"],
    file: ANSWERS,
    find: "return preparePpResult({ ...ids, ok: false, error_message });",
    replace: "return new Promise(() => {});",
    why: "A call that cannot be done gets no result.",
  },
  {
    id: "group/no-terminal-action",
    rules: ["tp.send.poison"],
    at: "ranks",
    by: ["wire/tp-session/leader-worker-stalls"],
    file: LEADER,
    find: "void this.#terminateAll(this.#members.filter((other) => other !== member)).then(",
    replace: "void this.#terminateAll([]).then(",
    why: "When a worker is lost the leader tells the others nothing.",
  },
  {
    id: "group/orphan-stays",
    rules: ["tp-session.eof"],
    at: "ranks",
    by: ["wire/tp-session/worker-leader-end-before-header"],
    file: WORKER,
    find: "if (!this.#gone) this.#fault ??= why;",
    replace: "",
    why: "A worker whose leader is gone waits on.",
  },
];
