import { readFileSync } from "node:fs";
import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { LIARS } from "@tensorwire/conformance/liars";
import { readReport, type Told } from "./junit.ts";
import { type RuleIndex, scan } from "./rules.ts";

const ROOT = resolve(import.meta.dir, "..");
export const PROTOCOL = "spec/iut-protocol.md";

/** What holds harness and adapters to a rule of the IUT protocol. A comment holds nothing. */
export interface Holders {
  /** By name: implementations that the harness must find out, or whose contradictions it must say. */
  readonly liars: readonly string[];
  /** Files with another test whose title names the rule. */
  readonly tests: readonly string[];
  readonly scenarios: readonly string[];
}

/** Rules that nothing of this can hold, each with the reason. */
export const NOT_SHOWN: Readonly<Record<string, string>> = {};

export const isShown = ({ liars, tests, scenarios }: Holders) => liars.length + tests.length + scenarios.length > 0;

/** By rule of the IUT protocol, in the order of the chapter. */
export function holdersOf(
  { rules, inVectors }: Pick<RuleIndex, "rules" | "inVectors">,
  told: readonly Pick<Told, "file" | "titles">[],
  gallery: readonly { readonly name: string; readonly rules: readonly string[] }[] = LIARS,
): ReadonlyMap<string, Holders> {
  const own = [...rules].filter(([, { file }]) => file === PROTOCOL);
  return new Map(
    own.map(([id]) => {
      const named = told.filter(({ titles }) => titles.some((title) => title.includes(`r[${id}]`)));
      const met = named.filter((test) => meetsLiar(test) && test.titles.at(-1)!.includes(`r[${id}]`));
      const liars = [
        ...gallery.filter((liar) => liar.rules.includes(id)).map(({ name }) => name),
        ...met.map(({ titles }) => titles.at(-1)!.replace(/^(?:r\[[^\]]+\] ?)+: /, "")),
      ];
      const tests = named.filter((test) => !met.includes(test)).map(({ file }) => file);
      const scenarios = (inVectors.get(id) ?? []).filter((name) => name.startsWith("wire/"));
      return [id, { liars: [...new Set(liars)].sort(), tests: [...new Set(tests)].sort(), scenarios }];
    }),
  );
}

/** Many liars stand in the table of their test: "a liar of level 2 is found out". */
const meetsLiar = ({ file, titles }: Pick<Told, "file" | "titles">) =>
  file.startsWith("conformance/liars/") && titles.length > 1 && titles[0]!.endsWith(" is found out");

/** One sentence each; none when every rule is held by something that is there, or has its reason. */
export function protocolFaults(
  holders: ReadonlyMap<string, Holders>,
  reasons: Readonly<Record<string, string>> = NOT_SHOWN,
): string[] {
  return [
    ...[...holders].flatMap(([id, own]) =>
      isShown(own) || id in reasons ? [] : [`${id} is named by no liar, no title of a test and no scenario`],
    ),
    ...Object.keys(reasons).flatMap((id) => {
      const own = holders.get(id);
      if (own === undefined) return [`${id} has a reason and is no rule of ${PROTOCOL}`];
      return isShown(own) ? [`${id} has a reason not to be shown, and is`] : [];
    }),
  ];
}

/** Names of rules in titles and in the gallery that no rule bears. */
export function unknownNames(
  { rules }: Pick<RuleIndex, "rules">,
  told: readonly Pick<Told, "file" | "titles">[],
  gallery: readonly { readonly name: string; readonly rules: readonly string[] }[] = LIARS,
): string[] {
  const inTitles = told.flatMap(({ file, titles }) =>
    titles.flatMap((title) => [...title.matchAll(/\br\[([^\]]*)\]/g)].map(([, id = ""]) => [id, file] as const)),
  );
  const inGallery = gallery.flatMap(({ name, rules }) => rules.map((id) => [id, `liar ${name}`] as const));
  const wrong = [...inTitles, ...inGallery].filter(([id]) => !rules.has(id));
  return [...new Set(wrong.map(([id, where]) => `${id} in ${where}`))];
}

/**
 * The tests whose titles may name a rule of the IUT protocol, as `bun test` lists them: it loads their files and runs none. Titles come out of tables, so that no text
 * of a file says them, and one in a comment is none.
 *
 * @throws Error when a file does not load.
 */
export async function titlesOfTests(root = ROOT): Promise<readonly Told[]> {
  const files = ["packages", "conformance", "scripts"]
    .flatMap((folder) => scan(root, `${folder}/**/*.test.ts`))
    .filter((file) => MAY_NAME.test(readFileSync(join(root, file), "utf8")));
  await using folder = await mkdtempDisposable(join(tmpdir(), "tensorwire-titles-"));
  const report = join(folder.path, "junit.xml");
  // With ./ it is this file, and no pattern for others. No title matches, which is exit status 1.
  const args = ["--reporter=junit", `--reporter-outfile=${report}`, "--test-name-pattern", "(?!)"];
  const child = Bun.spawn([process.execPath, "test", ...args, ...files.map((file) => `./${file}`)], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const said = await child.stderr.text();
  await child.exited;
  const xml = Bun.file(report);
  const told = (await xml.exists()) ? await readReport(await xml.text()) : [];
  const silent = files.filter((file) => !told.some((test) => test.file === file));
  if (silent.length > 0) throw new Error(`no titles of ${silent.join(", ")}: ${said.trim()}`);
  return told;
}

/** The id itself, or a place for it. */
const MAY_NAME = /\br\[(?:iut\.|[$%])/;
