import { expect, test } from "bun:test";
import { jsonReport } from "../report.ts";
import { sampleReport } from "../testing.ts";
import { matrix } from "./matrix.ts";

test("a matrix has profiles, families and vectors down, implementations across, and the worst state in each cell", async () => {
  const reports = [
    jsonReport({ ...(await sampleReport("good")), families: new Map([["len32/hello", "frames"]]) }),
    jsonReport(await sampleReport("bad", "eof-in-prefix-clean")),
  ];
  const rows = matrix(reports);
  expect(rows.map(({ profile, words }) => [profile, ...words])).toEqual([
    ["len32", "conformant", "not conformant"],
    ["len64", "not claimed", "not claimed"],
  ]);
  const families = rows[0]?.families.map(({ family, vectors }) => [family, vectors.map(({ vector }) => vector)]);
  expect(families?.[0]).toEqual(["frames", ["len32/hello"]]);
  const cut = rows[0]?.families.flatMap(({ vectors }) => vectors).find(({ vector }) => vector === "len32/cut");
  expect(cut?.cells.map(({ state, total }) => [state, total])).toEqual([
    ["passed", 1],
    ["failed", 1],
  ]);
  expect(rows[0]?.cells[1]).toMatchObject({ state: "failed", total: 3, counts: { passed: 2, failed: 1 } });
});

test("a report that does not have a case leaves its cell empty", async () => {
  const whole = jsonReport(await sampleReport("whole"));
  const part = { ...whole, cases: whole.cases.slice(0, 1) };
  const vectors = matrix([whole, part])[0]?.families.flatMap((family) => family.vectors);
  expect(vectors?.find(({ vector }) => vector === "len32/cut")?.cells.map(({ total }) => total)).toEqual([1, 0]);
});
