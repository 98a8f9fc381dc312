import { describe, expect, test } from "bun:test";

const missing = Bun.which("python3") === null && process.env.TENSORWIRE_REQUIRE_PORTS === undefined;
if (missing) console.log("no python3 on this machine: what the generator makes of a history is not checked");

const PROGRAM = `
import json, sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(import.meta.dir)})
from history import HistoryFault, history
try:
    given = json.load(sys.stdin)
    print(json.dumps(history(given.pop("stored"), given.pop("corpus"), given.pop("digests"), **given)))
except HistoryFault as fault:
    print(json.dumps(str(fault)))
`;

interface Given {
  readonly stored?: object;
  readonly corpus?: string;
  readonly digests: Readonly<Record<string, string>>;
  readonly version?: string;
  readonly changed?: readonly object[];
  readonly anchors?: Readonly<Record<string, string>>;
}

/** The history, or why there is none. */
function historyOf(given: Given): { readonly digests: object; readonly released: object } | string {
  const input = { stored: null, corpus: null, version: "0.1", changed: [], removed: [], ...given };
  const { stdout, stderr } = Bun.spawnSync(["python3", "-c", PROGRAM], {
    stdin: Buffer.from(JSON.stringify(input)),
    timeout: 30_000,
  });
  if (stdout.length === 0) throw new Error(stderr.toString());
  return JSON.parse(stdout.toString());
}

const FIRST = {
  version: "0.1",
  released: {},
  digests: { "0.1": { "p/a": "1", "p/b": "2" } },
  changed: [],
  removed: [],
};
const SECOND = { ...FIRST, version: "0.2", released: { "0.1": "sha256:x" } };

describe.skipIf(missing)("what the generator writes into history.json", () => {
  test("begins with what there is", () => {
    expect(historyOf({ digests: FIRST.digests["0.1"] })).toEqual(FIRST);
  });

  test("follows the vectors within a version, and forgets none that went", () => {
    expect(historyOf({ stored: FIRST, digests: { "p/a": "3", "p/c": "4" } })).toMatchObject({
      digests: { "0.1": { "p/a": "3", "p/b": "2", "p/c": "4" } },
    });
  });

  test("of a raised version keeps the release as it was, with the hash of its corpus, and has what is new", () => {
    const digests = { "p/a": "1", "p/b": "2", "p/c": "3" };
    expect(historyOf({ stored: FIRST, corpus: "sha256:x", version: "0.2", digests })).toMatchObject({
      version: "0.2",
      released: { "0.1": "sha256:x" },
      digests: { "0.1": { "p/a": "1", "p/b": "2" }, "0.2": { "p/c": "3" } },
    });
  });

  test("refuses digests of a release that are not those of the release", () => {
    const rewritten = { ...SECOND, digests: { "0.1": { "p/a": "9", "p/b": "2" } } };
    const anchored = (stored: object, anchors: Record<string, string>) =>
      historyOf({ stored, version: "0.2", digests: { "p/a": "9", "p/b": "2" }, anchors });
    const told = String(anchored(rewritten, {}));
    const [, hash = ""] =
      /^the digests of release 0\.1 have the hash (\w{64}), and RELEASED says None$/.exec(told) ?? [];
    expect(anchored(rewritten, { "0.1": hash })).toHaveProperty("released");
    expect(anchored(SECOND, { "0.1": hash })).toMatch(
      /^the digests of release 0\.1 have the hash \w{64}, and RELEASED says /,
    );
  });

  test("refuses another meaning of what was released, unless a reason stands in this version", () => {
    const given = { stored: SECOND, version: "0.2", digests: { "p/a": "9", "p/b": "2" } };
    const reason = (version: string) => ({ id: "p/a", in: version, reason: "It may end otherwise." });
    const refused = "another meaning than when it was released, and CHANGED has no reason for 0.2: p/a";
    expect(historyOf(given)).toBe(refused);
    expect(historyOf({ ...given, changed: [reason("0.3")] })).toBe(refused);
    expect(historyOf({ ...given, changed: [reason("0.2")] })).toMatchObject({
      digests: { "0.1": { "p/a": "1", "p/b": "2" }, "0.2": { "p/a": "9" } },
    });
  });

  test("takes a change back that was never released", () => {
    const stored = { ...SECOND, digests: { ...SECOND.digests, "0.2": { "p/a": "9" } } };
    expect(historyOf({ stored, version: "0.2", digests: { "p/a": "1", "p/b": "2" } })).toMatchObject({
      digests: SECOND.digests,
    });
  });

  test("compares with the last release, and 0.10 comes behind 0.9", () => {
    const digests = { "0.9": { "p/a": "1" }, "0.10": { "p/a": "2" } };
    const stored = { ...FIRST, version: "0.11", released: { "0.10": "sha256:y", "0.9": "sha256:x" }, digests };
    expect(historyOf({ stored, version: "0.11", digests: { "p/a": "2" } })).toMatchObject({ digests });
    expect(historyOf({ stored, version: "0.11", digests: { "p/a": "1" } })).toContain("no reason for 0.11: p/a");
  });

  test("does not go back", () => {
    expect(historyOf({ stored: SECOND, digests: {} })).toBe("history.json is of version 0.2, and VERSION is 0.1");
  });
});
