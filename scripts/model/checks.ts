/** What may be broken: the assertions of `spec/model/*.pml` by name, and what spin judges by itself. */
export const CLAIMS = {
  stranded: "somebody waits on a connection that works, and nothing will ever come",
  torn: "something else than its payload came behind a header",
  twice: "a call was delivered, or answered, twice",
  missing: "a call came to nothing though nothing went wrong",
  ahead: "a result came before its turn",
  stale: "a result of an older cache_epoch was accepted",
  unanswered: "a call came to no end, or to two",
  deadlock: "somebody waits for ever",
  endless: "a run goes on for ever",
} as const;
export type Claim = keyof typeof CLAIMS;

/** One run of the checker over one variant of a model. */
export interface Check {
  readonly model: "tp" | "pp";
  /** A `#define` that takes a rule away; null: the protocol as it is. */
  readonly mutation: string | null;
  readonly what: string;
  /** The claim that this variant must break; null: it must hold. */
  readonly breaks: Claim | null;
  /** Bounds of the state space, as `#define`s. */
  readonly bounds: Readonly<Record<string, number>>;
  /** Look for endless runs, which is a search of its own, instead of the claims. */
  readonly cycles?: true;
}

function holds(model: Check["model"], bounds: Check["bounds"], what: string): Check {
  return { model, mutation: null, what, breaks: null, bounds };
}

function broken(model: Check["model"], mutation: string, breaks: Claim, what: string, faults: 0 | 1): Check {
  return { model, mutation, what, breaks, bounds: { FAULTS: faults } };
}

export const CHECKS: readonly Check[] = [
  holds("tp", { CALLS: 2, FAULTS: 1 }, "two calls, at most one fault"),
  holds("tp", { CALLS: 1, FAULTS: 2 }, "one call, at most two faults"),
  { ...holds("tp", { CALLS: 1, FAULTS: 1 }, "every run ends"), cycles: true },
  holds("pp", { CALLS: 3, FAULTS: 1 }, "three calls, at most one fault"),
  holds("pp", { CALLS: 2, FAULTS: 2 }, "two calls, at most two faults"),
  { ...holds("pp", { CALLS: 2, FAULTS: 1 }, "every run ends"), cycles: true },
  broken("tp", "HEADER_FIRST", "torn", "the header leaves before the message is validated", 0),
  broken("tp", "NO_TERMINAL", "stranded", "a broadcast fails, and the workers are told nothing", 1),
  broken("tp", "ORPHANS_STAY", "stranded", "a worker whose leader is gone waits for another", 1),
  broken("tp", "NO_DEADLINE", "deadlock", "a worker waits for ever on a connection gone silent", 1),
  broken("tp", "REPEAT_DELIVERED", "twice", "a message that came before is delivered again", 0),
  broken("pp", "RESULT_TWICE", "twice", "answered calls get an error result too", 1),
  broken("pp", "NO_ERROR_RESULT", "stranded", "stage 1 is lost, and nobody is told", 1),
  broken("pp", "REFUSED_AT_ONCE", "ahead", "an error result overtakes the results before it", 0),
  broken("pp", "REPEAT_ANSWERED", "twice", "a request that came before is answered again", 0),
  broken("pp", "STALE_ACCEPTED", "stale", "the driver does not look at the epoch of a result", 0),
  broken("pp", "NO_DRAIN", "unanswered", "at a hard cut the driver forgets what is in flight", 0),
  broken("pp", "NO_DEADLINE", "deadlock", "nobody has a deadline", 1),
];
