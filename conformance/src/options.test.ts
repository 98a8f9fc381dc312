import { expect, test } from "bun:test";
import { repeatCommand } from "./options.ts";

test.each([
  [{ kind: "attach" }, "--attach"],
  [{ kind: "attach", listen: "127.0.0.1:4000" }, "--attach 127.0.0.1:4000"],
  [{ kind: "attach", listen: "0.0.0.0:4000", insecure: true }, "--attach 0.0.0.0:4000 --insecure"],
  [{ kind: "launch", command: "perl port.pl" }, "--launch 'perl port.pl'"],
] as const)("the command that repeats a run by %j has its flags", (way, flags) => {
  expect(repeatCommand({ way })).toBe(`bun run tensorwire conformance ${flags}`);
});
