import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { handleCase } from "@tensorwire/iut-ts";
import type { HonestRank } from "../../liars/honest-rank.ts";
import { HonestRanks, ranksHello } from "../../liars/honest-ranks.ts";
import { HonestConnection, HonestWire, wireHello } from "../../liars/honest-wire.ts";
import { loadCorpus, readCorpusFiles } from "../corpus/index.ts";
import type { WireScenario } from "../corpus/wire-file.ts";
import { CaseDeadline } from "../deadlines.ts";
import type { InProcessIut } from "../link/in-process.ts";
import { DEFAULT_CORPUS } from "../options.ts";
import type { Hello } from "../protocol.ts";
import { runInProcess } from "../run.ts";
import { smallest } from "./smallest.ts";
import { corpusWith } from "./testing.ts";
import { smallerScenario } from "./wire-reduce.ts";
import { sensible } from "./wire-sensible.ts";
import { shrinkFailures } from "./write.ts";

// Every wait of the harness has a deadline; this one catches a hang of the harness.
setDefaultTimeout(300_000);

const corpus = loadCorpus(DEFAULT_CORPUS);
const len32 = readCorpusFiles(DEFAULT_CORPUS).profiles.find(({ profile }) => profile === "len32")!;
const scenarioOf = (id: string): WireScenario => {
  const found = corpus.wire?.flatMap(({ scenarios }) => scenarios).find((one) => one.id === id);
  if (found === undefined) throw new Error(`no scenario is named ${id}`);
  return found;
};

type Kind = new (socket: Socket, limit: number) => HonestConnection;

class OtherConnection extends HonestWire {
  constructor(private readonly kind: Kind) {
    super();
  }

  override connection(socket: Socket, limit: number): HonestConnection {
    return new this.kind(socket, limit);
  }
}

class Ranks extends HonestRanks {
  decode = handleCase;
}

const iutOf = (about: HonestWire | HonestRanks): InProcessIut => ({
  hello: helloOf(about),
  handle: (request) => about.handle(request as never) as never,
});
const helloOf = (about: HonestWire | HonestRanks): Hello => (about instanceof HonestWire ? wireHello : ranksHello);
const honestLike = (liar: HonestWire | HonestRanks) => (liar instanceof HonestWire ? new HonestWire() : new Ranks());

async function shrunkBy(liar: HonestWire | HonestRanks, filter: string) {
  const { report } = await runInProcess(iutOf(liar), { filter, caseDeadline: 5000 });
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
  const said: string[] = [];
  const { scenarios } = await shrinkFailures(report.outcomes, {
    way: { kind: "in-process", iut: iutOf(liar) },
    honest: { kind: "in-process", iut: iutOf(honestLike(liar)) },
    welcome: { op: "welcome", protocol: 1, corpus: corpus.hash, run: "r", seed: "s" },
    ...{ folder, corpus: DEFAULT_CORPUS, loaded: corpus, startDeadline: 5000, deadline: CaseDeadline.fixed(5000) },
    log: (line) => said.push(line),
  });
  return { scenarios, folder, said: said.join("\n"), outcomes: report.outcomes };
}

/** The file loads, the liar fails each of its scenarios, and the honest one passes them. */
async function holds(liar: HonestWire | HonestRanks, { folder, scenarios }: Awaited<ReturnType<typeof shrunkBy>>) {
  const [first] = scenarios;
  const root = corpusWith(folder, first?.profile ?? "");
  const options = { corpus: root, filter: "wire/*", caseDeadline: 5000 };
  const ids = scenarios.map(({ scenario }) => scenario.id);
  const { report: failed } = await runInProcess(iutOf(liar), options);
  const wrong = failed.outcomes.filter(({ verdict }) => verdict !== "pass").map((one) => one.case?.vector);
  expect(new Set(wrong)).toEqual(new Set(ids));
  const { report: passed } = await runInProcess(iutOf(honestLike(liar)), options);
  expect(new Set(passed.outcomes.map(({ verdict }) => verdict))).toEqual(new Set(["pass"]));
}

test("every scenario of the corpus is one that a smaller one may be", () => {
  const all = (corpus.wire ?? []).flatMap(({ scenarios }) => scenarios);
  const wrong = all.filter((one) => "steps" in one && !sensible(one));
  expect(wrong.map(({ id }) => id)).toEqual([]);
});

describe("a failure on connections shrinks to a scenario that loads, fails alike and that an honest one passes", () => {
  test("of steps: what is written goes, what matters stays, and places move with it", async () => {
    const liar = new OtherConnection(
      class extends HonestConnection {
        override onReset(): void {
          this.onEnd();
        }
      },
    );
    const shrunk = await shrunkBy(liar, "wire/len32/reset-*");
    const [inPrefix, onBoundary] = shrunk.scenarios.map(({ scenario }) => scenario);
    expect(inPrefix).toMatchObject({
      connections: ["a"],
      steps: [{ write: "0000" }, { reset: true }, { sync: "end", events: [{ event: "reset", at: "2" }] }],
    });
    expect(onBoundary).toMatchObject({ steps: [{ reset: true }, { events: [{ event: "reset", at: "0" }] }] });
    expect(shrunk.said).toMatch(/^shrunk wire\/len32\/reset-in-prefix \(4 steps on 1 connection\) to 3 steps on 1 /m);
    await holds(liar, shrunk);
  });

  test("of two connections: the one beside goes", async () => {
    const liar = new OtherConnection(
      class extends HonestConnection {
        override onReset(): void {
          this.onEnd();
        }
      },
    );
    const shrunk = await shrunkBy(liar, "wire/len32/reset-of-another");
    expect(shrunk.scenarios.map(({ scenario }) => scenario)).toMatchObject([{ connections: ["b"] }]);
    await holds(liar, shrunk);
  });

  test("of a replay: the lightest case that shows it", async () => {
    const liar = new OtherConnection(
      class extends HonestConnection {
        override onData(chunk: Buffer): void {
          this.socket.write(chunk);
          super.onData(chunk);
        }
      },
    );
    const shrunk = await shrunkBy(liar, "wire/len32/byte-by-byte/*");
    const [{ scenario } = { scenario: undefined }] = shrunk.scenarios;
    expect(scenario).toMatchObject({ replay: [expect.stringMatching(/^len32\/[^#]+(#cut=\d+|#eof=\d+)?$/)] });
    await holds(liar, shrunk);
  });

  test("of cases side by side: two are left where one alone is right", async () => {
    let rest = Buffer.alloc(0);
    const shares = class extends HonestConnection {
      override onData(chunk: Buffer): void {
        this.rest = rest;
        super.onData(chunk);
        rest = this.rest;
      }
    };
    const liar = new (class extends OtherConnection {
      // A process that is started again has forgotten it too.
      override listen(request: Parameters<HonestWire["listen"]>[0]) {
        rest = Buffer.alloc(0);
        return super.listen(request);
      }
    })(shares);
    const shrunk = await shrunkBy(liar, "wire/len32/two-connections/*");
    expect(shrunk.scenarios.length).toBeGreaterThan(0);
    for (const { scenario } of shrunk.scenarios) {
      expect("interleave" in scenario && scenario.interleave.map((list) => list.length)).toEqual([2]);
    }
    await holds(liar, shrunk);
  });

  test("of ranks: one is left, whose connection still comes to its end", async () => {
    const liar = new (class extends Ranks {
      override async handle(request: Parameters<HonestRanks["handle"]>[0]) {
        const answer = await super.handle(request);
        if (request.op === "accept" || request.op === "dial") silence(this.ranks.get(request.conn));
        return answer;
      }
    })();
    const shrunk = await shrunkBy(liar, "wire/tp-session/leader-idle-reset");
    const [{ scenario } = { scenario: undefined }] = shrunk.scenarios;
    expect(scenario).toMatchObject({
      ranks: [{ role: "tp-leader" }],
      steps: [{ reset: true }, { sync: "end", events: [{ event: "lost" }] }],
    });
    await holds(liar, shrunk);
  });
});

/** Says nothing of a loss. */
function silence(rank: HonestRank | undefined): void {
  if (rank === undefined) return;
  const { state } = rank;
  rank.state = (seq, conn) => ({ ...state.call(rank, seq, conn), events: [] });
}

describe("a scenario gets smaller", () => {
  const least = (id: string, shows: (one: WireScenario) => boolean) =>
    smallest(
      scenarioOf(id),
      (one) => smallerScenario(one, len32, []),
      async (one) => shows(one),
      JSON.stringify,
    );
  const text = (one: WireScenario) => JSON.stringify(one);

  test("by its counts, of what is sent and received alike", async () => {
    const one = await least("wire/len32/peer-reads-slowly", (other) => text(other).includes('"bite"'));
    expect(text(one)).not.toContain('"count":8');
    expect(text(one).match(/"count":1[,}]/g)).toHaveLength(2);
  });

  test("by its bites, which get fewer, and by shorter payloads", async () => {
    const sends = await least("wire/len32/peer-reads-slowly", (other) => text(other).includes('"receive"'));
    expect(text(sends)).not.toContain('"bite"');
    const answers = await least("wire/len32/answer-after-end", (other) => text(other).includes('"receive"'));
    expect("steps" in answers && answers.steps).toEqual([
      { conn: "a", send: { payload: "" } },
      { conn: "a", receive: "00000000" },
    ]);
  });
});

test("what does not fail once more is said, and no file is written", async () => {
  let lied = false;
  const liar = new OtherConnection(
    class extends HonestConnection {
      override onReset(): void {
        if (lied) super.onReset();
        else this.onEnd();
        lied = true;
      }
    },
  );
  const { said, folder, scenarios } = await shrunkBy(liar, "wire/len32/reset-on-boundary");
  expect(said).toBe("wire/len32/reset-on-boundary is left as it is: it did not fail in the same way once more");
  expect(scenarios).toEqual([]);
  expect(existsSync(join(folder, "wire"))).toBe(false);
});
