import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { loadCorpus } from "../src/corpus/index.ts";
import type { InProcessIut } from "../src/link/in-process.ts";
import type { Answer, CaseRequest } from "../src/protocol.ts";
import { paint } from "../src/report/paint.ts";
import { jsonReport, unwatchedOf } from "../src/report/report.ts";
import { summary } from "../src/report/summary.ts";
import { runConformance, runInProcess } from "../src/run.ts";
import type { Verdict } from "../src/verdict.ts";
import type { State, WireRequest } from "../src/wire/protocol.ts";
import { HonestConnection, HonestWire, wireHello } from "./honest-wire.ts";
import { startEndpoint } from "./start-endpoint.ts";

// Every wait of the harness has a deadline; this one catches a hang of the harness.
setDefaultTimeout(60_000);

const { wire = [], ...corpus } = loadCorpus(new URL("../../vectors", import.meta.url).pathname);
const scenarios = { ...corpus, wire: wire.filter(({ profile }) => profile === "len32") };

type Request = CaseRequest | (WireRequest & { readonly seq: number });

function meet(liar: HonestWire, filter: string, caseDeadline = 5000) {
  const iut: InProcessIut = {
    hello: wireHello,
    handle: (request) => liar.handle(request as Request) as Promise<Answer>,
  };
  return runInProcess(iut, { corpus: scenarios, filter: `wire/len32/${filter}`, caseDeadline });
}

/** Acts on what has come only behind its next answer. */
class LateConnection extends HonestConnection {
  readonly #come: Buffer[] = [];

  override async sync(_n: number, _end: boolean): Promise<void> {}

  override onData(chunk: Buffer): void {
    this.#come.push(chunk);
  }

  override state(seq: number, conn: string): State {
    const state = super.state(seq, conn);
    for (const chunk of this.#come.splice(0)) super.onData(chunk);
    return state;
  }
}

class OtherConnection extends HonestWire {
  constructor(private readonly kind: new (socket: Socket, limit: number) => HonestConnection) {
    super();
  }

  override connection(socket: Socket, limit: number): HonestConnection {
    return new this.kind(socket, limit);
  }
}

/** Bends what the IUT says of a connection. */
class Bent extends HonestWire {
  constructor(private readonly bend: (state: State, request: Request) => unknown) {
    super();
  }

  override async handle(request: Request) {
    const answer = await super.handle(request);
    return answer.op === "state" ? (this.bend(answer, request) as State) : answer;
  }
}

test("the honest one, that the liars differ from, passes every scenario", async () => {
  const { exitCode, report } = await meet(new HonestWire(), "*");
  const other = report.outcomes.filter(({ verdict }) => verdict !== "pass");
  const told = new Set(other.map(({ id, verdict, text }) => `${verdict}: ${id.split("/")[2]} ${text ?? ""}`));
  // It declares a limit below the largest.
  expect([...told].sort()).toEqual(expect.arrayContaining([expect.stringMatching(/not applicable: large/)]));
  expect(other.filter(({ verdict }) => verdict !== "not applicable")).toEqual([]);
  expect(exitCode).toBe(0);
});

describe("r[iut.wire.refusal]: a close is a close", () => {
  test("a reset in the place of an end is fine", async () => {
    const liar = new OtherConnection(
      class extends HonestConnection {
        override refuse(event: Parameters<HonestConnection["refuse"]>[0]): void {
          this.stop(event);
          this.socket.resetAndDestroy();
        }
      },
    );
    const { report } = await meet(liar, "refused/limit-over-prefix-only");
    expect(new Set(report.outcomes.map(({ verdict }) => verdict))).toEqual(new Set(["pass"]));
  });
});

interface Lie {
  readonly name: string;
  readonly rules: readonly string[];
  readonly liar: () => HonestWire;
  readonly filter: string;
  readonly exit: number;
  readonly verdict: Verdict;
  readonly says: RegExp;
  /** Milliseconds: short, where the lie is a silence. */
  readonly deadline?: number;
}

const LIES: readonly Lie[] = [
  {
    name: "answers sync before it has read",
    rules: ["iut.wire.sync"],
    liar: () => new OtherConnection(LateConnection),
    filter: "split/hello#cut=2",
    exit: 3,
    verdict: "adapter error",
    says: /sync on a was answered at byte 0, still reading, before byte 2/,
  },
  {
    name: "answers sync before it has read, and says that it has",
    rules: ["iut.wire.sync", "iut.wire.levels-agree"],
    liar: () =>
      new OtherConnection(
        class extends LateConnection {
          #claimed = 0;
          override async sync(n: number): Promise<void> {
            this.#claimed = n;
          }
          override state(seq: number, conn: string): State {
            return { ...super.state(seq, conn), read: this.#claimed };
          }
        },
      ),
    filter: "split/hello#cut=2",
    exit: 1,
    verdict: "disagreement",
    says: /a message is missing in step 1|a message belongs to step 1 and was reported late/,
  },
  {
    name: "says that it has read more than there is",
    rules: ["iut.wire.state"],
    liar: () => new Bent((state) => ({ ...state, read: state.read + 1 })),
    filter: "split/hello",
    exit: 3,
    verdict: "adapter error",
    says: /has read \d+ bytes, and \d+ were written/,
  },
  {
    name: "never reads",
    rules: ["iut.wire.sync", "iut.deadline.scaled"],
    liar: () =>
      new OtherConnection(
        class extends HonestConnection {
          override onData(): void {}
        },
      ),
    filter: "split/hello",
    exit: 1,
    verdict: "timeout",
    says: /no answer within/,
    deadline: 200,
  },
  {
    name: "buffers without bound, and says so",
    rules: ["iut.wire.send-bounded"],
    liar: () =>
      new OtherConnection(
        class extends HonestConnection {
          override get full(): boolean {
            return false;
          }
        },
      ),
    filter: "peer-stops-reading",
    exit: 1,
    verdict: "fail",
    says: /holds \d+ bytes for a peer that does not read/,
  },
  {
    name: "buffers without bound, and says that the system has it",
    rules: ["iut.wire.send-bounded", "iut.wire.state"],
    liar: () =>
      new OtherConnection(
        class extends HonestConnection {
          override get full(): boolean {
            return false;
          }
          override state(seq: number, conn: string): State {
            return { ...super.state(seq, conn), written: this.accepted, buffered: 0 };
          }
        },
      ),
    filter: "peer-stops-reading",
    exit: 1,
    verdict: "fail",
    says: /says that the system took \d+ bytes/,
  },
  {
    name: "names connections from the last to the first",
    rules: ["iut.wire.accept"],
    liar: () =>
      new (class extends HonestWire {
        #named = 0;
        override async next(): Promise<Socket> {
          const sockets = await this.waiting(3 - this.#named++);
          return sockets.pop() as Socket;
        }
      })(),
    filter: "accepted-in-order",
    exit: 1,
    verdict: "fail",
    says: /a: the implementation tells of a message in step 0 has other content than expected/,
  },
  {
    name: "reads on though it was told to pause",
    rules: ["iut.wire.read-bounded"],
    liar: () =>
      new (class extends HonestWire {
        override async act(connection: HonestConnection, request: Parameters<HonestWire["act"]>[1]): Promise<void> {
          if (request.op !== "pause") await super.act(connection, request);
        }
      })(),
    filter: "we-stop-reading",
    exit: 1,
    verdict: "fail",
    says: /reads without bound/,
  },
  {
    name: "leaves a refused connection open",
    rules: ["iut.wire.refusal"],
    liar: () =>
      new OtherConnection(
        class extends HonestConnection {
          override refuse(event: Parameters<HonestConnection["refuse"]>[0]): void {
            this.stop(event);
          }
        },
      ),
    filter: "refused/limit-over-prefix-only",
    exit: 1,
    verdict: "fail",
    says: /left its direction open/,
    deadline: 200,
  },
  {
    name: "answers what nobody asked",
    rules: ["iut.wire.silent"],
    liar: () =>
      new OtherConnection(
        class extends HonestConnection {
          override onData(chunk: Buffer): void {
            this.socket.write(chunk);
            super.onData(chunk);
          }
        },
      ),
    filter: "split/hello#cut=2",
    exit: 1,
    verdict: "fail",
    says: /wrote \d+ bytes that nobody asked for/,
  },
  {
    name: "takes the peer's end for its own",
    rules: ["iut.wire.half-close"],
    liar: () =>
      new OtherConnection(
        class extends HonestConnection {
          override onEnd(): void {
            super.onEnd();
            this.socket.end();
          }
        },
      ),
    filter: "answer-after-end",
    exit: 1,
    verdict: "fail",
    says: /byte 0 of what the implementation sent is missing/,
  },
  {
    name: "takes a reset for an end",
    rules: ["iut.wire.reset"],
    liar: () =>
      new OtherConnection(
        class extends HonestConnection {
          override onReset(): void {
            this.onEnd();
          }
        },
      ),
    filter: "reset-on-boundary",
    exit: 1,
    verdict: "fail",
    says: /tells of end instead of reset/,
  },
  {
    name: "shares a decoder between connections",
    rules: ["iut.wire.connections", "iut.wire.levels-agree"],
    liar: () => {
      let rest = Buffer.alloc(0);
      return new OtherConnection(
        class extends HonestConnection {
          override onData(chunk: Buffer): void {
            this.rest = rest;
            super.onData(chunk);
            rest = this.rest;
          }
        },
      );
    },
    filter: "two-connections/1",
    exit: 1,
    verdict: "disagreement",
    says: /a codec of its own/,
  },
  {
    name: "has a shim that decodes by itself at level 1",
    rules: ["iut.wire.levels-agree"],
    liar: () =>
      new (class extends HonestWire {
        override async handle(request: Request) {
          const answer = await super.handle(request);
          if (request.op !== "case" || request.id.startsWith("link-check") || answer.op !== "result") return answer;
          return { ...answer, steps: answer.steps.map(() => []) };
        }
      })(),
    filter: "split/hello",
    exit: 1,
    verdict: "disagreement",
    says: /level 2 gives the right events and level 1 does not/,
  },
  {
    name: "answers a barrier as if it had been asked to listen",
    rules: ["iut.wire.answers"],
    liar: () =>
      new Bent((state, { op, seq }) => (op === "sync" ? { op: "listening", seq, address: "127.0.0.1:1" } : state)),
    filter: "split/hello",
    exit: 3,
    verdict: "adapter error",
    says: /the answer to sync is "state"/,
  },
  {
    name: "tells of another connection",
    rules: ["iut.wire.state"],
    liar: () => new Bent((state) => ({ ...state, conn: "z" })),
    filter: "split/hello",
    exit: 3,
    verdict: "adapter error",
    says: /conn must be "a"/,
  },
  {
    name: "says numbers as strings",
    rules: ["iut.wire.answers", "iut.answer.shape"],
    liar: () => new Bent((state) => ({ ...state, read: String(state.read) })),
    filter: "split/hello",
    exit: 3,
    verdict: "adapter error",
    says: /state at \/read/,
  },
];

describe("a liar of level 2 is found out", () => {
  for (const { name, rules, liar, filter, exit, verdict, says, deadline = 5000 } of LIES) {
    test(`${rules.map((rule) => `r[${rule}]`).join(" ")}: ${name}`, async () => {
      const { exitCode, report } = await meet(liar(), filter, deadline);
      const told = report.outcomes.find((outcome) => outcome.verdict === verdict);
      expect(told?.verdict ?? report.outcomes.map((outcome) => outcome.verdict).join()).toBe(verdict);
      expect(`${told?.difference?.problem ?? ""} ${told?.text ?? ""}`).toMatch(says);
      expect(told?.timeline?.length).toBeGreaterThan(0);
      expect(exitCode).toBe(exit as typeof exitCode);
    });
  }
});

describe.if(existsSync("/proc/self/clear_refs"))(
  "r[iut.wire.resident]: the system is asked what a process holds",
  () => {
    const run = (when: string, filter: string) =>
      runConformance({
        way: {
          kind: "launch",
          command: `"${process.execPath}" "${fileURLToPath(new URL("hoards.ts", import.meta.url))}" ${when}`,
        },
        ...{ corpus: scenarios, filter: `wire/len32/${filter}`, jobs: 1, seed: "liars", caseDeadline: 30_000 },
        ...{ log: () => {}, print: () => {} },
      });

    for (const [when, filter] of [
      ["send", "peer-never-reads"],
      ["pause", "we-stop-reading"],
    ] as const) {
      test(`of one that hoards at ${when} and says nothing of it`, async () => {
        const { exitCode, report } = await run(when, filter);
        expect(report?.outcomes.map(({ verdict }) => verdict)).toEqual(["fail"]);
        expect(report?.outcomes[0]?.text).toMatch(
          /while a connection is held back the process grew by \d{3} MiB, by the system's account; at most 256 MiB are allowed/,
        );
        expect(exitCode).toBe(1);
      });

      test(`of one that does not, in ${filter}`, async () => {
        const { exitCode, report } = await run("nothing", filter);
        expect(report?.outcomes.map(({ verdict, unwatched }) => [verdict, unwatched])).toEqual([["pass", undefined]]);
        expect(exitCode).toBe(0);
      });
    }
  },
);

test("r[iut.wire.resident]: where the harness did not start the process the report says that nobody looked", async () => {
  const { exitCode, report } = await meet(new HonestWire(), "peer-never-reads");
  expect(unwatchedOf(report)).toEqual([expect.stringContaining("1 case passed by the implementation's word alone")]);
  expect(summary(report, paint(false))).toContain("memory: 1 case passed by the implementation's word alone");
  expect(jsonReport(report).summary).toMatchObject({ notes: [...unwatchedOf(report)] });
  expect(exitCode).toBe(0);
});

/** Takes every end for a clean one. */
class CallsItClean extends OtherConnection {
  constructor(private readonly cleared: (request: Request) => unknown) {
    super(
      class extends HonestConnection {
        override onEnd(): void {
          if (this.reading) this.stop({ event: "end" });
        }
      },
    );
  }

  override async handle(request: Request) {
    const answer = await super.handle(request);
    return (request.op === "clear" ? this.cleared(request) : answer) as typeof answer;
  }
}

const told = ({ outcomes }: Awaited<ReturnType<typeof meet>>["report"]) =>
  outcomes.map(({ id, verdict }) => `${verdict} ${id.slice("wire/len32/".length)}`);

describe("what is answered to clear takes no verdict back", () => {
  test("a decline of it is the adapter's error, beside the failure of the scenario", async () => {
    const liar = new CallsItClean(({ seq }) => ({ op: "declined", seq, reason: "operation" }));
    const { exitCode, report } = await meet(liar, "half-close/two#eof=2");
    expect(told(report)).toEqual(["disagreement half-close/two#eof=2", "adapter error half-close/two#eof=2/clear"]);
    expect(report.outcomes[1]?.text).toBe("clear was not done: operation");
    expect(exitCode).toBe(3);
  });

  test("so is its answer in another shape, beside a pass", async () => {
    const liar = new CallsItClean(({ seq }) => ({ op: "cleared", seq, listeners: 0 }));
    const { exitCode, report } = await meet(liar, "split/hello#cut=2");
    expect(told(report)).toEqual(["pass split/hello#cut=2", "adapter error split/hello#cut=2/clear"]);
    expect(exitCode).toBe(3);
  });

  test("a link that dies of it is not blamed on the scenario behind", async () => {
    let clears = 0;
    const liar = new CallsItClean(({ seq }) => {
      if (++clears === 2) throw new Error("clear is too much");
      return { op: "cleared", seq };
    });
    const { exitCode, report } = await meet(liar, "half-close/two#eof=*");
    expect(told(report).slice(0, 4)).toEqual([
      "pass half-close/two#eof=0",
      "disagreement half-close/two#eof=1",
      "crash half-close/two#eof=1/clear",
      "disagreement half-close/two#eof=2",
    ]);
    expect(told(report).filter((line) => line.startsWith("crash"))).toHaveLength(1);
    expect(exitCode).toBe(1);
  });

  test("its id repeats the scenario", async () => {
    const { report } = await meet(new HonestWire(), "split/hello#cut=2/clear");
    expect(told(report)).toEqual(["pass split/hello#cut=2"]);
  });
});

/** Says of a listener that it waits where something else does, and that all is well there. */
class Elsewhere extends HonestWire {
  constructor(private readonly address: string) {
    super();
  }

  override async handle(request: Request) {
    const { seq } = request;
    const conn = "conn" in request ? request.conn : "";
    if (request.op === "listen") return { op: "listening", seq, address: this.address } as const;
    if (request.op === "accept" || request.op === "sync") {
      const state = { op: "state", seq, conn, read: 0, written: 0, buffered: 0, reading: false, events: [] } as const;
      const refusal = { event: "error", class: "oversize.declared", at: "4", fatal: true } as const;
      return request.op === "sync" && !request.end ? { ...state, events: [refusal] } : state;
    }
    return super.handle(request);
  }
}

describe("the address that an implementation listens at", () => {
  test("may be none, which is a failure of the scenario alone", async () => {
    const { exitCode, report } = await meet(new Elsewhere("127.0.0.1:99999"), "split/hello#cut=2");
    expect(told(report)).toEqual(["fail split/hello#cut=2"]);
    expect(report.outcomes[0]?.text).toContain("cannot connect to 127.0.0.1:99999");
    expect(exitCode).toBe(1);
  });

  test("may be one that floods, which holds nothing up", async () => {
    using endpoint = await startEndpoint("floods-at-once");
    const { exitCode, report } = await meet(new Elsewhere(endpoint.address), "refused/limit-over-prefix-only", 20_000);
    expect(told(report)).toContain("fail refused/limit-over-prefix-only");
    expect(report.outcomes[0]?.text).toMatch(/^a: \d+ bytes came that nobody waits for/);
    expect(exitCode).toBe(1);
  });
});
