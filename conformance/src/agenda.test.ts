import { describe, expect, test } from "bun:test";
import { Agenda } from "./agenda.ts";
import type { Corpus } from "./corpus/types.ts";
import { testCase, testCorpus } from "./testing.ts";
import type { Outcome } from "./verdict.ts";

const IDS = ["len32", "len64"].flatMap((profile) =>
  Array.from({ length: 10 }, (_, i) => `${profile}/${i}`).flatMap((id) => [id, `${id}#cut=1`, `${id}#cut=2`]),
);
const probed = testCase("len32/0#memory=1", { requires: ["memory"] });
const corpus = {
  ...testCorpus(...IDS.map((id) => testCase(id))),
  probes: (filter = () => true) => [probed].filter(({ id }) => filter(id)),
} satisfies Corpus;
const ALL = [...IDS, probed.id];

/** The ids in the order in which they are put, and in that in which they are told, `links` cases being under way at once. */
function play(
  seed: string,
  { filter = (_: string): boolean => true, links = 1, left = (_: string): boolean => false } = {},
) {
  const told: string[] = [];
  const put: string[] = [];
  const agenda = new Agenda({ corpus, filter, seed, tell: ({ id }) => void told.push(id) });
  const open: NonNullable<ReturnType<Agenda["next"]>>[] = [];
  // Of what is under way the last begun ends first.
  const close = () => {
    const { about, place } = open.pop()!;
    const { id, profile } = about;
    if (left(id)) agenda.left(place);
    else agenda.settle(place, { id, profile, verdict: "pass" } satisfies Outcome);
  };
  for (let next = agenda.next(); next !== undefined; next = agenda.next()) {
    put.push(next.about.id);
    open.push(next);
    if (open.length === links) while (open.length > 0) close();
  }
  while (open.length > 0) close();
  return { put, told };
}

const vectorsOf = (ids: readonly string[]) => ids.map((id) => id.split("#", 1)[0]!);

describe("r[iut.order.shuffled]", () => {
  test("the seed alone decides the order, and another seed gives another one", () => {
    expect(play("a").put).toEqual(play("a").put);
    expect(play("a").put).not.toEqual(play("b").put);
    expect(play("a").put).not.toEqual(ALL);
    expect([...play("a").put].sort()).toEqual([...ALL].sort());
  });

  test("the cases of a vector stand in a row, in the order of the corpus, and those of level 3 behind all", () => {
    const { put } = play("a");
    expect(put.at(-1)).toBe(probed.id);
    const rows = put.slice(0, -1);
    for (let at = 0; at < rows.length; at += 3) {
      const [vector] = vectorsOf(rows.slice(at));
      expect(rows.slice(at, at + 3)).toEqual([`${vector}`, `${vector}#cut=1`, `${vector}#cut=2`]);
    }
  });

  test("the profiles alternate", () => {
    const profiles = play("a").put.map((id) => id.split("/", 1)[0]);
    expect(profiles.filter((profile, at) => profile !== profiles[at - 1]).length).toBeGreaterThan(5);
  });

  test("two vectors stand in the same order whatever else is selected", () => {
    const some = (id: string) => /\/[1357]/.test(id);
    expect(play("a", { filter: some }).put).toEqual(play("a").put.filter(some));
  });
});

describe("r[iut.events.order]: what comes of the cases", () => {
  test("is told in the order of the corpus, with one link and with several", () => {
    for (const links of [1, 2, 5]) expect(play("a", { links }).told).toEqual(ALL);
  });

  test("is told without those of which nothing came", () => {
    const left = (id: string) => id.startsWith("len32/3") || id.endsWith("#cut=2");
    expect(play("a", { left }).told).toEqual(ALL.filter((id) => !left(id)));
  });

  test("is told as soon as all before it have come", () => {
    const told: string[] = [];
    const agenda = new Agenda({ corpus, filter: () => true, seed: "a", tell: ({ id }) => void told.push(id) });
    const settled = new Set<string>();
    for (let next = agenda.next(); next !== undefined; next = agenda.next()) {
      expect(told.length).toBe(ALL.findIndex((each) => !settled.has(each)));
      const { id, profile } = next.about;
      agenda.settle(next.place, { id, profile, verdict: "pass" });
      settled.add(id);
    }
    expect(told).toEqual(ALL);
  });

  test("is told where a run breaks off, as far as it has come", () => {
    const told: string[] = [];
    const agenda = new Agenda({ corpus, filter: () => true, seed: "a", tell: ({ id }) => void told.push(id) });
    const ids = Array.from({ length: 30 }, () => {
      const { about, place } = agenda.next()!;
      agenda.settle(place, { id: about.id, profile: about.profile, verdict: "pass" });
      return about.id;
    });
    agenda.next();
    agenda.breakOff();
    expect(told).toEqual(ALL.filter((id) => ids.includes(id)));
  });
});
