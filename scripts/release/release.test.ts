import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { corpusAt, DEFAULT_CORPUS } from "@tensorwire/conformance";
import { compileBinary } from "./binary.ts";
import { corpusVersion, layOutCorpus } from "./corpus.ts";
import { packed } from "./pack.ts";

// Compiles, and starts processes; the harness has deadlines of its own.
setDefaultTimeout(180_000);

const folder = mkdtempSync(join(tmpdir(), "tensorwire-release-test-"));
afterAll(() => rmSync(folder, { recursive: true }));
const sha256 = (data: Uint8Array | string) => new Bun.CryptoHasher("sha256").update(data).digest("hex");

test("the corpus packs to the same bytes each time, and what is in them has the hash of its lock", async () => {
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const name = await packed(first, layOutCorpus);
  expect(name).toBe(`tensorwire-corpus-${corpusVersion(DEFAULT_CORPUS)}.tgz`);
  const bytes = readFileSync(join(first, name));
  await packed(second, layOutCorpus);
  expect(sha256(readFileSync(join(second, name)))).toBe(sha256(bytes));

  await new Bun.Archive(bytes).extract(join(folder, "unpacked"));
  const corpus = join(folder, "unpacked/package");
  // The recipe of vectors/README.md, with nothing of the harness.
  const lock = JSON.parse(readFileSync(join(corpus, "lock.json"), "utf8"));
  const lines = Object.keys(lock.files).map((path) => `${sha256(readFileSync(join(corpus, path)))}  ${path}\n`);
  expect(`sha256:${sha256(lines.join(""))}`).toBe(lock.corpus);
  expect(corpusAt(corpus).hash).toBe(corpusAt().hash);

  const { version, exports, license } = JSON.parse(readFileSync(join(corpus, "package.json"), "utf8"));
  expect([version, license]).toEqual([corpusVersion(DEFAULT_CORPUS), "Apache-2.0"]);
  expect(exports).toHaveProperty(["./*.json"]);
  const { vectors } = JSON.parse(readFileSync(join(corpus, "len64/frames.json"), "utf8"));
  expect(vectors[0]).toMatchObject({ id: "len64/hello", role: "decode" });
});

const COMMIT = "c0ffee5eedc0ffee5eedc0ffee5eedc0ffee5eed";
const binary = join(folder, "bin/tensorwire");
const nowhere = join(folder, "nowhere");
const at = (name: string) => join(nowhere, name);

/** The binary in a folder that is none of its own, with no environment and no program to be found. */
async function alone(...words: readonly string[]) {
  const child = Bun.spawn([binary, ...words], {
    cwd: nowhere,
    env: { PATH: nowhere },
    stdout: "pipe",
    stderr: "pipe",
    stdin: "ignore",
  });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

beforeAll(async () => {
  mkdirSync(nowhere);
  // Of somebody's project, as Bun reads them.
  writeFileSync(at("bunfig.toml"), 'preload = ["./missing.ts"]\n');
  writeFileSync(at(".env"), "TENSORWIRE_ADDR=127.0.0.1:1\nTENSORWIRE_TOKEN=none\n");
  const packages = await compileBinary({ outfile: binary, commit: COMMIT });
  expect(packages.map((path) => path.slice(path.lastIndexOf("node_modules/") + 13))).toContain("ajv");
  expect(packages.filter((path) => path.includes("tfjs"))).toEqual([]);
});

test("the binary alone runs the reference, as a process of its own, and makes what verify-certificate and report take", async () => {
  const files = ["--certificate", "c", "--events", "e", "--json", "r"];
  const run = await alone("conformance", "--filter", "wire/len32/split/*", "--jobs", "1", ...files);
  expect([run.err, run.code]).toEqual(["", 0]);
  expect(run.out).toContain("launched, over TCP");
  expect(JSON.parse(readFileSync(at("c"), "utf8"))).toMatchObject({
    harness: { name: "tensorwire", commit: COMMIT },
    corpus: { hash: corpusAt().hash },
  });
  expect(JSON.parse(readFileSync(at("r"), "utf8")).command).toBe("tensorwire conformance");
  expect((await alone("verify-certificate", "c", "--events", "e")).out).toContain("borne out");
  expect((await alone("report", "r", "--html", "page.html")).code).toBe(0);
  expect(readFileSync(at("page.html"), "utf8")).toContain("tensorwire-reference");
});

test("the binary alone lists and explains the corpus that it was built with", async () => {
  expect((await alone("list", "len32/hello")).out).toContain(corpusAt().hash.slice(0, 19));
  expect((await alone("explain", "len64/hello")).out).toContain("The prefix MUST be 8 bytes");
});

test("the binary alone runs nothing of the folder that it is started in, and takes no environment from there", async () => {
  const { code, err } = await alone("reference");
  expect([code, err]).toEqual([64, expect.stringContaining("expected TENSORWIRE_ADDR in the environment")]);
});

function reference(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = Bun.spawn([binary, "reference", ...words], { cwd: nowhere, env, stdout: "ignore", stderr: "pipe" });
  return { child, [Symbol.dispose]: () => child.kill("SIGKILL") };
}

async function told(stream: ReadableStream<Uint8Array>, pattern: RegExp): Promise<RegExpExecArray> {
  let text = "";
  for await (const chunk of stream) {
    text += new TextDecoder().decode(chunk);
    const match = pattern.exec(text);
    if (match !== null) return match;
  }
  throw new Error(`ended before ${pattern} came: ${text}`);
}

test("the binary alone reaches an implementation by each way in", async () => {
  const itself = `'${binary}' reference`;
  const stdio = await alone("doctor", "--stdio", `${itself} --stdio`);
  expect([stdio.code, stdio.out]).toEqual([0, expect.stringContaining("a run can begin")]);
  expect((await alone("doctor", "--launch", itself)).code).toBe(0);
  expect((await alone("doctor", "--in-process")).code).toBe(0);

  using listening = reference(["--listen", "127.0.0.1:0"]);
  const [, address = ""] = await told(listening.child.stderr, /listening on (\S+)\n/);
  expect((await alone("doctor", "--connect", address)).code).toBe(0);

  const words = [binary, "doctor", "--attach"];
  const waiting = Bun.spawn(words, { cwd: nowhere, env: {}, stdout: "ignore", stderr: "pipe" });
  const [, at = "", token = ""] = await told(waiting.stderr, /TENSORWIRE_ADDR=(\S+) TENSORWIRE_TOKEN=(\S+)\n/);
  using _ = reference([], { TENSORWIRE_ADDR: at, TENSORWIRE_TOKEN: token });
  expect(await waiting.exited).toBe(0);
});

test("the binary alone finds its sockets and certificates usable, and says where the rest is", async () => {
  const { out, code } = await alone("doctor");
  expect([out.match(/^ok /gm)?.length, code]).toEqual([3, 0]);
  expect((await alone("pipeline")).code).toBe(64);
  const { out: help } = await alone("--help");
  expect(help).toContain("pipeline and stage need the repository");
  expect(help).not.toContain("bun run");
});
