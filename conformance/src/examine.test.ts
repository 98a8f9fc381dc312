import { describe, expect, test } from "bun:test";
import { honest, honestHello } from "../liars/honest.ts";
import { checkedText, examine } from "./examine.ts";
import type { InProcessIut } from "./link/in-process.ts";
import type { CaseRequest } from "./protocol.ts";
import { paint } from "./report/paint.ts";

const ID = "link-check/len32/cut";

/** Honest but for one check of its codec. */
function iut(otherwise: (request: CaseRequest) => object): InProcessIut {
  const handle = (request: CaseRequest) => (request.id === ID ? otherwise(request) : honest(request)) as never;
  return { hello: honestHello, handle };
}

async function examined(implementation: InProcessIut) {
  const way = { kind: "in-process", iut: implementation } as const;
  const { exit, checks } = await examine({ way, seed: "7", log: () => {} });
  return { exit, checks, verdicts: checks.map(({ check, verdict }) => [check, verdict]) };
}

describe("the link check alone", () => {
  test("r[iut.link-check.adapter] r[iut.link-check.codec]: says each check that held", async () => {
    const { exit, verdicts, checks } = await examined(iut(honest));
    expect(exit).toBe(0);
    expect(verdicts).toEqual([
      ["hello", "pass"],
      ["an unknown op", "pass"],
      ["an unknown profile", "pass"],
      ["link-check/len32/frame", "pass"],
      ["link-check/len32/cut", "pass"],
      ["link-check/len32/wrong", "pass"],
    ]);
    expect(checks[0]?.text).toContain("liar 1 (typescript): len32");
  });

  test("r[iut.link-check.codec]: of a codec that fails, what was sent, expected and came, and exit 1", async () => {
    const { exit, verdicts, checks } = await examined(
      iut(({ seq }) => ({ op: "result", seq, steps: [[], [{ event: "end" }]] })),
    );
    expect([exit, verdicts.at(-1)]).toEqual([1, [ID, "fail"]]);
    const text = checkedText(checks.at(-1)!, paint(false));
    expect(text).toMatch(/^failed +len32\/cut +the only right answer is an error, and no message\n/);
    expect(text).toMatch(/sent +read of \d bytes: [0-9a-f]+\n +expected +no event\n +came +no event\n/);
    expect(text).toMatch(/sent +end of the stream\n +expected +error eof.in-prefix at \d, fatal\n +came +end$/);
  });

  test("a decline skips the check of that profile, a crash is told, and an adapter that is broken ends all with exit 3", async () => {
    const declined = await examined(iut(({ seq }) => ({ op: "declined", seq, reason: "profile" })));
    expect([declined.exit, declined.verdicts.at(-1)]).toEqual([0, [ID, "declined"]]);
    const crashed = await examined(
      iut(() => {
        throw new Error("segfault");
      }),
    );
    expect([crashed.exit, crashed.verdicts.at(-1)]).toEqual([1, [ID, "crash"]]);
    const broken = await examined(iut(({ seq }) => ({ op: "errored", seq, text: "no such class" })));
    expect([broken.exit, broken.verdicts.at(-1)]).toEqual([3, [ID, "adapter error"]]);
    expect(broken.checks.at(-1)?.text).toContain("no such class");
  });

  test("under attach hello has as long as was given, and where nothing was", async () => {
    const { exit, checks } = await examine({ way: { kind: "attach" }, deadline: 20, log: () => {} });
    expect([exit, checks.map(({ check, verdict }) => [check, verdict])]).toEqual([3, [["hello", "adapter error"]]]);
  });
});
