import { expect, test } from "bun:test";
import { DEFAULT_DTYPES, type Dtype } from "./dtype.ts";
import { messageLimits } from "./limits.ts";

const given = (options: object) => () => messageLimits(options);

test("what is not given, or is undefined, is the default; a tensor may fill its frame", () => {
  const limits = messageLimits();
  expect(limits).toEqual({
    maxFrameLength: 16 * 1024 * 1024,
    maxParts: 1024,
    maxManifestLength: 1024 * 1024,
    maxKwargsValues: 65536,
    maxTensors: 64,
    maxRank: 8,
    maxTensorLength: 16 * 1024 * 1024,
    dtypes: DEFAULT_DTYPES,
  });
  expect(given(Object.fromEntries(Object.keys(limits).map((name) => [name, undefined])))()).toEqual(limits);
  expect(messageLimits({ maxFrameLength: 5 })).toEqual({ ...limits, maxFrameLength: 5, maxTensorLength: 5 });
});

test("a limit of 0 is one, and what is no count is the caller's fault", () => {
  expect(messageLimits({ maxTensors: 0 }).maxTensors).toBe(0);
  expect(messageLimits({ maxRank: 2 ** 53 - 1 }).maxRank).toBe(2 ** 53 - 1);
  for (const maxRank of [-1, 0.5, Number.NaN, 2 ** 53, null, "8"]) {
    expect(given({ maxRank })).toThrow(`[state] maxRank: expected an integer from 0 to 2^53 - 1, ${maxRank} came`);
  }
});

test("dtypes are a Set of known ones", () => {
  const dtypes = new Set<Dtype>(["bool", "float64"]);
  expect(messageLimits({ dtypes }).dtypes).toBe(dtypes);
  expect(messageLimits({ dtypes: new Set() }).dtypes.size).toBe(0);
  for (const other of [["float32"], "float32", null, 5, { has: () => true }]) {
    expect(given({ dtypes: other })).toThrow("[state] dtypes: expected a Set, another value came");
  }
  expect(given({ dtypes: new Set(["float32", "fp8"]) })).toThrow('[state] dtypes: expected known dtypes, "fp8" came');
  // A list of one name reads as that name where an object is asked for it.
  expect(given({ dtypes: new Set([["float32"]]) })).toThrow('[state] dtypes: expected known dtypes, "float32" came');
});

test("an option that there is not is refused by its name", () => {
  expect(given({ maxDtypes: 1 })).toThrow('[state] "maxDtypes": expected one of maxFrameLength, maxParts, ');
  expect(given({ constructor: 1 })).toThrow('[state] "constructor": expected one of');
  expect(given({ maxDtypes: undefined })).not.toThrow();
});
