import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { disagreements } from "./disagree.ts";
import { type Layout, ROOT, readLayouts } from "./layout.ts";
import { mutants } from "./mutants.ts";
import { joined, type Stated, statedBy } from "./stated.ts";
import { type Dissected, type Dissection, dissect, type Sent } from "./tshark.ts";

// It starts processes.
setDefaultTimeout(60_000);

const required = process.env.TENSORWIRE_REQUIRE_TSHARK === "1";
const missing = Bun.which("tshark") === null;
if (missing) console.log("no tshark here: the Wireshark dissector is not tested");

const layouts = readLayouts();
const vectors = statedBy(layouts);
const ONE_SEGMENT = Number.POSITIVE_INFINITY;
const LARGE = 100_000;
/** The example of spec/handshake.md. */
const HELLO = Uint8Array.fromHex(
  "00000000000000280801120464656d6f180332087374616765733d324210000102030405060708090a0b0c0d0e0f4801",
);

/** Small streams cut finely, large ones as a network cuts them. */
const cut = (stated: Stated): Sent => {
  const { length } = stated.bytes;
  return { stated, size: length <= 64 ? 1 : length <= 4096 ? 7 : 1448 };
};
const uncut = (stated: Stated): Sent => ({ stated, size: ONE_SEGMENT });

/** The errors that a dissector without the layers above has to show. */
function faultsOf({ stated }: Sent, { seen, errors }: Dissected): string[] {
  const faults = disagreements(stated, seen);
  const classes = errors.map((error) => error.class).join(", ");
  const due = stated.ending === "above" ? "" : (stated.class ?? "");
  // What stands behind an error of another layer may be anything.
  const { ending, at, fields, bytes } = stated;
  const free = ending === "above" && (at < bytes.length || at !== fields.at(-1)?.end);
  return free || classes === due ? faults : [...faults, `${stated.id}: shows the errors "${classes}", not "${due}"`];
}

async function faults(streams: readonly Sent[], dissection: Dissection): Promise<string[]> {
  const dissected = await dissect(streams, dissection);
  return streams.flatMap((sent, i) => faultsOf(sent, dissected[i]!));
}

test("a tshark is here when one is required", () => {
  expect(missing && required).toBe(false);
});

describe.skipIf(missing)("the Wireshark dissector, in tshark,", () => {
  // What a preference can say, the limits of the vectors are within.
  const sayable = vectors.filter(({ limits }) => Number(limits.max_frame_length ?? 0) < 2 ** 32);
  const unlimited = sayable.filter(({ ending }) => ending !== "limit");
  const small = unlimited.filter(({ bytes }) => bytes.length < LARGE);

  test("shows every field, value and error of every decode vector, a segment each", async () => {
    expect(small.length).toBeGreaterThan(800);
    expect(await faults(small.map(uncut), { layouts })).toEqual([]);
  });

  test.each([false, true])("shows the same of streams that are cut, with two passes: %p", async (twoPasses) => {
    expect(await faults(small.map(cut), { layouts, twoPasses })).toEqual([]);
  });

  test("shows frames of a megabyte, from many segments", async () => {
    const large = unlimited.filter(({ bytes }) => bytes.length >= LARGE);
    expect(large.length).toBeGreaterThan(5);
    expect(await faults(large.map(cut), { layouts })).toEqual([]);
  });

  test("shows all messages of a segment that holds many, and of one that begins in the middle of one", async () => {
    const rows = layouts.map(({ profile }) =>
      joined(
        small.filter(
          ({ layout, ending, bytes }) => layout.profile === profile && ending === "end" && bytes.length < 2000,
        ),
      ),
    );
    expect(Math.min(...rows.map(({ ends }) => ends.length))).toBeGreaterThan(10);
    expect(await faults([...rows.map(uncut), ...rows.map((stated) => ({ stated, size: 333 }))], { layouts })).toEqual(
      [],
    );
  });

  test("shows what comes behind a Hello", async () => {
    const behind = small.filter(({ layout, ending }) => layout.opening !== undefined && ending !== "above");
    expect(behind.length).toBeGreaterThan(100);
    const streams = behind.flatMap((stated) => [
      { ...uncut(stated), hello: HELLO },
      { ...cut(stated), hello: HELLO },
    ]);
    expect(await faults(streams, { layouts })).toEqual([]);
  });

  test("shows results that come back on a connection of requests", async () => {
    const results = small.filter(({ layout, ends }) => layout.profile === "pp-result" && ends.length > 0);
    expect(results.length).toBeGreaterThan(20);
    const back = results.flatMap((stated) => [uncut(stated), cut(stated), { ...cut(stated), hello: HELLO }]);
    expect(
      await faults(
        back.map((sent) => ({ ...sent, backOf: "pp-envelope" })),
        { layouts },
      ),
    ).toEqual([]);
  });

  test("shows what stands at the ports that it is told", async () => {
    const few = layouts.map(({ profile }) => uncut(small.find(({ layout }) => layout.profile === profile)!));
    expect(await faults(few, { layouts, ownPorts: true })).toEqual([]);
  });

  test("shows the protobuf messages by name, where they are described", async () => {
    const ids = ["tp/infer-tensor", "pp-envelope/video", "pp-result/observed"];
    const streams = ids.map((id) => ({ ...uncut(small.find((vector) => vector.id === id)!), hello: HELLO }));
    const shown = (await dissect(streams, { layouts, protos: join(ROOT, "spec/proto") })).map(({ names }) => names);
    expect(shown.map((names) => names.includes("hello_version"))).toEqual([true, true, true]);
    expect(shown[0]).toContain("tp_envelope_version");
    expect(shown[1]).toContain("expected_generator_calls");
    expect(shown[2]).toContain("observed_generator_calls");
  });

  const limited = Map.groupBy(
    sayable.filter(({ ending }) => ending === "limit"),
    ({ limits }) => JSON.stringify({ ...limits, max_manifest_length: undefined }),
  );
  test.each([...limited.keys()])("refuses what is above the limits %s", async (limits) => {
    const above = limited.get(limits)!;
    const within = vectors.filter((vector) => vector.ending === "end" && JSON.stringify(vector.limits) === limits);
    expect(
      await faults(
        [...above, ...within].flatMap((v) => [cut(v), uncut(v)]),
        { layouts, limits: JSON.parse(limits) },
      ),
    ).toEqual([]);
  });

  const most = Math.max(...layouts.map((layout) => mutants(layout).length));
  const picks = [0, Math.floor(most / 3), Math.floor((2 * most) / 3)];
  test.each(picks)("shows a mistake in every layout (%i)", async (pick) => {
    const broken = layouts.map((layout): Layout => {
      const all = mutants(layout);
      return all[pick % all.length]!.layout;
    });
    const streams = small.map(uncut);
    const dissected = await dissect(streams, { layouts: broken });
    const shown = new Set(
      streams.flatMap((sent, i) => (faultsOf(sent, dissected[i]!).length > 0 ? [sent.stated.layout.profile] : [])),
    );
    expect([...shown].sort()).toEqual(layouts.map(({ profile }) => profile).sort());
  });
});
