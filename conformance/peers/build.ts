import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Peer } from "./peer.ts";

/** What keeps a peer from being run: a program that is not here, or a build that did not come about. */
export type Obstacle = { readonly kind: "skipped" | "not built"; readonly reason: string };

const BUILD_DEADLINE_MS = 15 * 60_000;

/** Builds a peer unless its outputs are there, made of the same sources. */
export async function build(peer: Peer, log: (line: string) => void): Promise<Obstacle | undefined> {
  const missing = peer.needs.filter((program) => Bun.which(program) === null);
  if (missing.length > 0) return { kind: "skipped", reason: `no ${missing.join(", ")} on this machine` };
  if (peer.build === undefined) return undefined;
  const stamp = join(peer.folder, "build", "stamp");
  const hash = sourcesHash(peer);
  if ((await Bun.file(stamp).exists()) && readFileSync(stamp, "utf8") === hash) return undefined;

  log(`${peer.name}: building`);
  const child = Bun.spawn(["sh", "-c", `mkdir -p build && ${peer.build}`], {
    cwd: peer.folder,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: BUILD_DEADLINE_MS,
  });
  const tail: string[] = [];
  await Promise.all([child.stdout, child.stderr].map((stream) => forward(stream, peer.name, tail, log)));
  if ((await child.exited) !== 0) {
    const how = child.signalCode === null ? `status ${child.exitCode}` : child.signalCode;
    return { kind: "not built", reason: `${how}: ${tail.join(" | ") || "no output"}` };
  }
  writeFileSync(stamp, hash);
  return undefined;
}

async function forward(stream: ReadableStream<Uint8Array>, name: string, tail: string[], log: (line: string) => void) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines.map((line) => Bun.stripANSI(line).trim()).filter((line) => line !== "")) {
      tail.push(line);
      if (tail.length > 3) tail.shift();
      log(`${name}: ${line}`);
    }
  }
}

/** Over every file that the build reads: the peer's own, but its outputs, and its shim. */
function sourcesHash({ folder, build = "", sources = [] }: Peer): string {
  const hash = createHash("sha256").update(build);
  for (const root of [folder, ...sources.map((source) => join(folder, source))]) {
    const files = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => !/\/(build|node_modules|target)\//.test(path.slice(root.length)))
      .filter((path) => !/\/(peer|baseline)\.json$/.test(path))
      .sort();
    for (const path of files) hash.update(`${path.slice(root.length)}\0`).update(readFileSync(path));
  }
  return hash.digest("hex");
}
