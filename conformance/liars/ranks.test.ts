import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { handleCase } from "@tensorwire/iut-ts";
import { loadCorpus } from "../src/corpus/load.ts";
import { globMatcher } from "../src/glob.ts";
import type { InProcessIut } from "../src/link/in-process.ts";
import type { Answer, CaseRequest, Event, Json } from "../src/protocol.ts";
import { strandedOf } from "../src/report/report.ts";
import { runInProcess } from "../src/run.ts";
import type { State, WireRequest } from "../src/wire/protocol.ts";
import { encoded, type HonestRank, type Request } from "./honest-rank.ts";
import { HonestRanks, ranksHello } from "./honest-ranks.ts";

// Every wait of the harness has a deadline; this one catches a hang of the harness.
setDefaultTimeout(180_000);

const { wire = [], ...corpus } = loadCorpus(new URL("../../vectors", import.meta.url).pathname);

type Asked = CaseRequest | (WireRequest & { readonly seq: number });

class Ranks extends HonestRanks {
  decode = handleCase;
}

function meet(liar: HonestRanks, filter: (id: string) => boolean, caseDeadline = 5000, hello = ranksHello) {
  const iut: InProcessIut = { hello, handle: (request) => liar.handle(request as Asked) as Promise<Answer> };
  const scenarios = wire
    .map((file) => ({ ...file, scenarios: file.scenarios.filter((one) => "ranks" in one && filter(one.id)) }))
    .filter((file) => file.scenarios.length > 0);
  return runInProcess(iut, { corpus: { ...corpus, wire: scenarios }, filter: "wire/*", caseDeadline });
}

const sessions = globMatcher("wire/?p-session/*");

describe("the honest one, that the liars differ from", () => {
  test("strands nobody, and is asked for no role that it declines", async () => {
    // Large tensors are shown by their digest, and this one decodes anew with every read.
    const beyond = globMatcher("*/stage-*worker-stalls");
    const { exitCode, report } = await meet(new Ranks(), (id) => sessions(id) && !beyond(id));
    const other = report.outcomes.filter(({ verdict }) => verdict !== "pass");
    expect(other.filter(({ verdict }) => verdict !== "declined").map(({ id, text }) => [id, text])).toEqual([]);
    expect(new Set(other.map(({ id, text }) => `${id.split("/")[2]?.split("-")[0]}: ${text}`))).toEqual(
      new Set(["driver: role", "hello: role", "hello: operation"]),
    );
    expect(strandedOf(report)).toEqual({ scenarios: report.outcomes.length - other.length, ranks: 0 });
    expect(exitCode).toBe(0);
  });

  test("is not asked at all where it does not say ranks: that is no decline", async () => {
    const hello = { ...ranksHello, capabilities: ["wire"] };
    const { report } = await meet(new Ranks(), globMatcher("wire/tp-session/leader-*"), 5000, hello);
    expect(new Set(report.outcomes.map(({ verdict, text }) => `${verdict}: ${text}`))).toEqual(
      new Set(["not applicable: capability ranks not declared"]),
    );
  });
});

interface Lie {
  readonly name: string;
  readonly rules: readonly string[];
  readonly liar: () => HonestRanks;
  /** The scenario, without `wire/` and its protocol. */
  readonly in: string;
  readonly says: RegExp;
  readonly stranded?: number;
}

/** A rank that is gone is no reason to do anything about the others. */
class Careless extends Ranks {
  override lost(): void {}
}

/** Bends what becomes of a connection. */
class Bent extends Ranks {
  constructor(private readonly bend: (rank: HonestRank) => void) {
    super();
  }

  override async handle(request: Asked) {
    const answer = await super.handle(request);
    if (request.op === "accept" || request.op === "dial") {
      const rank = this.ranks.get(request.conn);
      if (rank !== undefined) this.bend(rank);
    }
    return answer;
  }
}

const LIES: readonly Lie[] = [
  {
    name: "a leader that ignores a lost worker",
    rules: ["iut.rank.not-stranded"],
    liar: () => new Careless(),
    in: "leader-worker-reset-in-tensor",
    says: /rank 1 on a is stranded: its connection is open behind byte 91, .*; rank 3 on c is stranded/,
    stranded: 2,
  },
  {
    name: "a leader that tells the others with SHUTDOWN and leaves their connections open",
    rules: ["iut.rank.not-stranded", "iut.rank.shutdown"],
    liar: () =>
      new Bent((rank) => {
        rank.end = () => {
          rank.closed = true;
        };
      }),
    in: "leader-idle-reset",
    says: /rank 1 on a is stranded: its connection is open behind byte 40/,
    stranded: 2,
  },
  {
    name: "a leader that waits without end for a worker that does not read",
    rules: ["iut.rank.deadline", "iut.rank.not-stranded"],
    liar: () =>
      new Bent((rank) => {
        rank.wait = () => {};
      }),
    in: "leader-worker-stalls",
    says: /rank 1 on a is stranded.*rank 3 on c is stranded.*rank 2 on b is stranded/,
    stranded: 3,
  },
  {
    name: "a worker that outlives its leader",
    rules: ["iut.rank.not-stranded"],
    liar: () =>
      new Bent((rank) => {
        rank.onEnd = () => {};
      }),
    in: "worker-leader-end-in-tensor",
    says: /rank 0 on a is stranded: its connection is open behind byte 0/,
    stranded: 1,
  },
  {
    name: "a worker that outlives the silence of its leader",
    rules: ["iut.rank.deadline"],
    liar: () =>
      new Bent((rank) => {
        const { lose } = rank;
        rank.lose = (...events) => (events.length === 0 ? undefined : lose.call(rank, ...events));
      }),
    in: "worker-leader-silence-in-header",
    says: /rank 0 on a is stranded/,
    stranded: 1,
  },
  {
    name: "a stage that never answers",
    rules: ["iut.rank.send-stage"],
    liar: () =>
      new (class extends Ranks {
        override answer(): void {}
      })(),
    in: "stage-session",
    says: /a rank is stranded: a: nothing came behind byte 0/,
    stranded: 1,
  },
  {
    name: "a stage that loses a worker and owes its driver the answer for ever",
    rules: ["iut.rank.stage-lost"],
    liar: () =>
      new (class extends Ranks {
        override failed(): Buffer {
          return Buffer.alloc(0);
        }
      })(),
    in: "stage-worker-reset-at-work",
    says: /expected an error result of call 1; 0 bytes came, and the end/,
  },
  {
    name: "a stage that says ok where it has failed",
    rules: ["iut.rank.stage-lost"],
    liar: () =>
      new (class extends Ranks {
        override failed(due: Parameters<HonestRanks["failed"]>[0], text: string): Buffer {
          const bytes = super.failed(due, text);
          // `ok`, field 6, becomes 1.
          bytes[bytes.indexOf(Buffer.from([0x30, 0])) + 1] = 1;
          return bytes;
        }
      })(),
    in: "stage-worker-reset-at-work",
    says: /expected an error result of call 1; an ok result came/,
  },
  {
    name: "a leader that sends the header before it validates",
    rules: ["iut.rank.send-group"],
    liar: () =>
      new (class extends Ranks {
        override async broadcast(group: string, value: Json): Promise<Event[]> {
          const { header } = value as unknown as Request;
          const first = encoded("tp", { header: { ...header, action: "NOOP" } as unknown as Json }) as Buffer;
          first[32] = 1;
          for (const rank of this.groupOf(group)) rank.send(first);
          const bytes = encoded("tp", value);
          if ("event" in bytes) return [bytes];
          for (const rank of this.groupOf(group)) rank.send(bytes.subarray(40));
          return [];
        }
      })(),
    in: "leader-kwargs-2-53",
    says: /a: 40 bytes came that were not to be sent/,
  },
  {
    name: "a leader that says SHUTDOWN with ids that no session takes",
    rules: ["iut.rank.not-torn"],
    liar: () =>
      new Bent((rank) => {
        const { release } = rank;
        rank.release = () => {
          rank.last &&= { ...rank.last, call_id: "0" };
          release.call(rank);
        };
      }),
    in: "leader-worker-reset-in-tensor",
    says: /a: SHUTDOWN with call_id 1 behind 1/,
  },
  {
    name: "a leader that ends its workers without a word",
    rules: ["iut.rank.not-stranded"],
    liar: () =>
      new Bent((rank) => {
        rank.release = () => rank.end();
      }),
    in: "leader-worker-end-in-tensor",
    says: /a: the implementation ended its direction without SHUTDOWN/,
  },
  {
    name: "a leader that repeats a message to those who have it",
    rules: ["iut.rank.silent", "iut.rank.not-torn"],
    liar: () =>
      new Bent((rank) => {
        const { send } = rank;
        rank.send = (bytes) => send.call(rank, bytes.length > 40 ? Buffer.concat([bytes, bytes]) : bytes);
      }),
    in: "leader-worker-reset-in-tensor",
    says: /a: what came is neither a message nor SHUTDOWN/,
  },
  {
    name: "a leader that says nothing of the loss",
    rules: ["iut.rank.lost"],
    liar: () =>
      new Bent((rank) => {
        const { state } = rank;
        rank.state = (seq, conn) => ({ ...state.call(rank, seq, conn), events: [] });
      }),
    in: "leader-worker-reset-in-tensor",
    says: /b: the implementation tells of nothing instead of lost/,
  },
  {
    name: "a worker that answers the barrier before the connection is over",
    rules: ["iut.rank.sync"],
    liar: () =>
      new Bent((rank) => {
        const { sync, state } = rank;
        let known: State["events"] | undefined;
        rank.sync = async (n, end) => {
          if (end) known = rank.events.splice(0);
          else await sync.call(rank, n, end);
        };
        rank.state = (seq, conn) => {
          const told = state.call(rank, seq, conn);
          return known === undefined ? told : { ...told, reading: false, events: known };
        };
      }),
    in: "worker-leader-reset-in-tensor",
    says: /a: the implementation tells of nothing instead of lost/,
  },
  {
    name: "a leader that names the wrong call",
    rules: ["iut.rank.calls"],
    liar: () =>
      new Bent((rank) => {
        const { state } = rank;
        rank.state = (seq, conn) => {
          const told = state.call(rank, seq, conn);
          return { ...told, events: told.events.map((one) => (one.event === "lost" ? { ...one, calls: ["9"] } : one)) };
        };
      }),
    in: "leader-worker-reset-in-tensor",
    says: /b: the implementation tells of lost as .*"9".*, not as .*"1"/,
  },
  {
    name: "a stage that passes on what it has not judged",
    rules: ["iut.rank.stage-group", "iut.rank.not-torn"],
    liar: () =>
      new Bent((rank) => {
        const { onData } = rank;
        rank.onData = (chunk) => {
          const group = rank.owner as HonestRanks;
          if (rank.spoken.role === "pp-stage") for (const one of group.groupOf("g")) one.send(chunk);
          onData.call(rank, chunk);
        };
      }),
    in: "stage-envelope-ids",
    says: /b: what came is neither a message nor SHUTDOWN/,
  },
];

describe("a liar of ranks is found out", () => {
  for (const { name, rules, liar, in: slug, says, stranded = 0 } of LIES) {
    test(`${rules.map((rule) => `r[${rule}]`).join(" ")}: ${name}`, async () => {
      const filter = (id: string) => id.endsWith(`-session/${slug}`);
      const { exitCode, report } = await meet(liar(), filter, 300);
      expect(report.outcomes.map(({ verdict }) => verdict)).toContain("fail");
      const told = report.outcomes.find(({ verdict }) => verdict === "fail");
      expect(told?.text).toMatch(says);
      expect(told?.timeline?.length).toBeGreaterThan(0);
      expect(strandedOf(report).ranks).toBe(stranded);
      expect(exitCode).toBe(1);
    });
  }
});
