import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const BUF = Bun.resolveSync("@bufbuild/buf/bin/buf", import.meta.dir);
const DEADLINE_MS = 60_000;
/** Buf's status when it has something to say of a file: a comparison that found something, or a text that does not compile. */
const REMARKS = 100;

/** One change that old peers would not survive. */
export interface UnsafeChange {
  /** File and line in the new text; the line is missing where the new text has none. */
  readonly at: string;
  /** Buf's rule, or one of the two of our own: ENUM_VALUE_ADDED, ONEOF_FIELD_ADDED. */
  readonly rule: string;
  readonly message: string;
}

/** The folder of the last released files: the highest version in `protos/released`. */
export function lastReleased(protos: string): string {
  const folder = join(protos, "released");
  const last = existsSync(folder) ? readdirSync(folder).sort(Bun.semver.order).at(-1) : undefined;
  if (last === undefined) throw new Error(`expected a released version in ${folder}, none is there`);
  return join(folder, last);
}

/**
 * Compares the `.proto` files of a folder, which has a `buf.yaml`, with released ones. What buf lets pass and our policy does not is
 * looked for here: values of an enum and fields of a oneof that old receivers do not know.
 *
 * @throws Error when one of the two does not compile.
 */
export async function unsafeChanges(protos: string, released = lastReleased(protos)): Promise<UnsafeChange[]> {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-proto-"));
  try {
    const images = { before: join(folder, "before.json"), after: join(folder, "after.json") };
    await buf(protos, ["build", "-o", images.after]);
    // A module of its own: the folder above has a buf.yaml that leaves it out.
    await buf(released, ["build", "--config", '{"version":"v2"}', "-o", images.before]);
    const against = ["--against", images.before, "--config", join(protos, "buf.yaml"), "--error-format", "json"];
    const found = await buf(protos, ["breaking", images.after, ...against]);
    const changes = found.split("\n").filter(Boolean).map(readChange);
    return [...changes, ...additions(await Bun.file(images.before).json(), await Bun.file(images.after).json())];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function buf(cwd: string, args: readonly string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, BUF, ...args], {
    cwd,
    stdout: "pipe",
    stderr: "pipe",
    timeout: DEADLINE_MS,
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (child.exitCode === 0 || (child.exitCode === REMARKS && args[0] === "breaking")) return out;
  throw new Error(`buf ${args[0]} ended with ${child.exitCode ?? child.signalCode}: ${`${out}${err}`.trim()}`);
}

function readChange(line: string): UnsafeChange {
  const { path, start_line, type, message } = JSON.parse(line);
  const at = start_line === undefined ? path : `${path}:${start_line}`;
  return { at, rule: type, message: message.replace(/ See https:.*/, "") };
}

/** What is used here of a `google.protobuf.FileDescriptorSet` in JSON. */
interface DescriptorSet {
  readonly file: readonly (Scope & { readonly name: string; readonly package: string })[];
}
interface Scope {
  readonly messageType?: readonly Message[];
  readonly enumType?: readonly Enum[];
}
interface Message {
  readonly name: string;
  readonly nestedType?: readonly Message[];
  readonly enumType?: readonly Enum[];
  readonly oneofDecl?: readonly { readonly name: string }[];
  readonly field?: readonly {
    readonly name: string;
    readonly oneofIndex?: number;
    readonly proto3Optional?: boolean;
  }[];
}
interface Enum {
  readonly name: string;
  readonly value: readonly { readonly name: string }[];
}

/** A closed choice: the full name of an enum or oneof, and what may be chosen. */
interface Choice {
  readonly file: string;
  readonly rule: "ENUM_VALUE_ADDED" | "ONEOF_FIELD_ADDED";
  readonly members: readonly string[];
}

function additions(before: DescriptorSet, after: DescriptorSet): UnsafeChange[] {
  const known = choices(before);
  return [...choices(after)].flatMap(([name, { file, rule, members }]) => {
    const had = known.get(name)?.members;
    if (had === undefined) return [];
    const added = members.filter((member) => !had.includes(member));
    return added.map((member) => ({
      at: file,
      rule,
      message: `"${member}" was added to ${name}, which old peers refuse.`,
    }));
  });
}

function choices({ file: files }: DescriptorSet): Map<string, Choice> {
  const found = new Map<string, Choice>();
  for (const file of files) collect(file.package, file.name, file.messageType, file.enumType);
  return found;

  function collect(scope: string, file: string, messages: readonly Message[] = [], enums: readonly Enum[] = []): void {
    for (const { name, value } of enums) {
      found.set(`${scope}.${name}`, { file, rule: "ENUM_VALUE_ADDED", members: value.map((each) => each.name) });
    }
    for (const { name, nestedType, enumType, oneofDecl = [], field = [] } of messages) {
      const full = `${scope}.${name}`;
      collect(full, file, nestedType, enumType);
      for (const [index, oneof] of oneofDecl.entries()) {
        const fields = field.filter(({ oneofIndex, proto3Optional }) => oneofIndex === index && !proto3Optional);
        const members = fields.map((each) => each.name);
        if (members.length > 0) found.set(`${full}.${oneof.name}`, { file, rule: "ONEOF_FIELD_ADDED", members });
      }
    }
  }
}
